/** The search over paths against trying all of them, on an equation that needs no network. */
import { expect, test } from 'vitest';
import { firstLayer, nextLayer, type Path, type Search } from './search.ts';

const numSteps = 10;
const leaps = [1, 2, 4, 8];
/** dx/ds = -3x + sin 5s: stiff enough that leaps go wrong where they are long. */
const slope = (x: number, at: number) => -3 * x + Math.sin((5 * at) / numSteps);
const after = (x: number, at: number, length: number) => x + (length / numSteps) * slope(x, at);
const full = [1];
for (let step = 0; step < numSteps; step++) full.push(after(full[step]!, step, 1));

function searchOf(beam: number, expanded: string[] = []): Search<number> {
  return {
    numSteps,
    leaps,
    beam,
    async expand({ leaps: path, at, state }, lengths) {
      expanded.push(path.join('-'));
      return lengths.map((length) => after(state, at, length));
    },
    error: (state, at) => Math.abs(state - full[at]!),
  };
}

/** The least error of all paths of so many leaps. */
function least(count: number, x = 1, at = 0): number {
  if (at === numSteps) return count === 0 ? Math.abs(x - full[numSteps]!) : Number.POSITIVE_INFINITY;
  if (count === 0) return Number.POSITIVE_INFINITY;
  const lengths = leaps.filter((length) => at + length <= numSteps);
  return Math.min(...lengths.map((length) => least(count - 1, after(x, at, length), at + length)));
}

async function layersOf(beam: number, expanded: string[] = []): Promise<Path<number>[][]> {
  const search = searchOf(beam, expanded);
  const layers: Path<number>[][] = [];
  for (let layer = firstLayer(1); layer.paths.length > 0; ) {
    layer = await nextLayer(search, layer);
    expect(layer.evaluations).toBe(layers.length + 1);
    layers.push([...layer.finished]);
  }
  return layers;
}

const wide = 10_000;

test('a beam that is wide enough finds the best path of every price', async () => {
  const layers = await layersOf(wide);
  for (const [i, finished] of layers.entries()) {
    if (finished.length === 0) continue;
    const { leaps: path, error } = finished[0]!;
    expect(path).toHaveLength(i + 1);
    expect(path.reduce((sum, length) => sum + length, 0)).toBe(numSteps);
    // A path that is no better than what fewer evaluations reached at some step is left out, which costs nothing here.
    expect(error).toBeCloseTo(least(i + 1), 12);
  }
  expect(layers[1]!.map(({ leaps: path }) => path.join('-')).sort()).toEqual(['2-8', '8-2']);
});

test('every path is evaluated once, a narrow beam evaluates few and comes close', async () => {
  const all: string[] = [];
  const few: string[] = [];
  await layersOf(wide, all);
  const layers = await layersOf(2, few);
  expect(new Set(all).size).toBe(all.length);
  expect(new Set(few).size).toBe(few.length);
  expect(few.length).toBeLessThan(all.length / 2);
  for (const price of [3, 4, 5]) expect(layers[price - 1]![0]!.error).toBeLessThan(3 * least(price) + 0.01);
});

test('computing every step is always among the paths, so that a search ends', async () => {
  const layers = await layersOf(1);
  const last = layers.at(-1)![0]!;
  expect(layers).toHaveLength(numSteps);
  expect(last).toMatchObject({ leaps: Array(numSteps).fill(1), error: 0 });
});
