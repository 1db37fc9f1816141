/** How recipes are tried, with clips whose times and qualities are given: nothing is computed. */
import { expect, test, vi } from 'vitest';
import type { Pipeline } from '../pipeline.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type RecipeEvent, type RecipesOptions, recipesToTry, tryRecipes } from './recipes.ts';

vi.mock('./candidate.ts', () => ({ makeClip, qualityOf }));

interface FakeClip {
  readonly prompt: number;
  readonly name: string;
  readonly precision?: string;
  readonly denoise: number;
  readonly total: number;
}

const made: string[] = [];
const names = [...recipesToTry('w8a8', 'cpu').keys()];

/** A clip takes as long as its recipe's place in the list says. */
async function makeClip(
  pipeline: { name: string },
  _: unknown,
  __: unknown,
  { prompt, precision }: { prompt: number; precision?: string },
): Promise<FakeClip> {
  made.push(`${pipeline.name} ${prompt} ${precision ?? 'fp32'}`);
  return { prompt, name: pipeline.name, precision, denoise: 10 + Math.max(0, names.indexOf(pipeline.name)), total: 50 };
}

function qualityOf(clip: FakeClip, reference: FakeClip): number {
  expect([clip.prompt, reference.name, reference.precision]).toEqual([reference.prompt, 'watched', undefined]);
  return 40 + clip.prompt - names.indexOf(clip.name);
}

const options: RecipesOptions = { prompts: ['a', 'b', 'c'], seed: 1, numSteps: [4], precisions: ['w8a8'] };

async function tried(changes: Partial<RecipesOptions> = {}) {
  made.length = 0;
  const opened: string[] = [];
  const recipes = new Map([...recipesToTry('w8a8', 'cpu')].map(([name, recipe]) => [JSON.stringify(recipe), name]));
  const run = tryRecipes(
    async ({ recorder, recipes: given, maxima }) => {
      const recipe = given?.w8a8 && recipes.get(JSON.stringify(given.w8a8))!;
      const name = recorder ? 'watched' : maxima ? recipe! : `beside ${recipe}`;
      opened.push(name);
      return { name, [Symbol.asyncDispose]: async () => {} } as unknown as Pipeline;
    },
    { backend: 'cpu' } as Runtime,
    { ...options, ...changes },
  );
  const events: RecipeEvent[] = [];
  let next = await run.next();
  for (; !next.done; next = await run.next()) events.push(next.value);
  return { events, opened, ...next.value };
}

test('each recipe makes all clips in turns with the default one, and is told with its median and worst', async () => {
  const { trials, events, opened } = await tried();
  expect(opened).toEqual(['watched', 'beside token', ...names]);
  expect(trials.map(({ name }) => name)).toEqual(names);
  const second = trials[1]!;
  expect(second).toMatchObject({ precision: 'w8a8', psnr: 40, worstPsnr: 39, time: 1.1 });
  expect(events).toEqual([
    ...options.prompts.map((prompt) => ({ type: 'reference', prompt, milliseconds: 50 })),
    ...trials.map((trial) => ({ type: 'recipe', trial })),
  ]);
  // The first clip of a pipeline compiles and does not count.
  const [, , , ...rest] = made;
  expect(rest.slice(0, 8)).toEqual([
    'beside token 0 w8a8',
    'token 0 w8a8',
    ...[0, 1, 2].flatMap((prompt) => [`token ${prompt} w8a8`, `beside token ${prompt} w8a8`]),
  ]);
});

test('what was tried before is taken over and not tried again', async () => {
  const { trials } = await tried();
  const earlier = [
    { ...trials[1]!, psnr: 77 },
    { ...trials[2]!, precision: 'w4a8' as const },
  ];
  const again = await tried({ earlier });
  expect(again.opened).toEqual(['watched', 'beside token', ...names.filter((name) => name !== names[1])]);
  expect(again.trials.map(({ name }) => name)).toEqual(names);
  expect(again.trials[1]).toBe(earlier[0]);
  expect(again.events.filter(({ type }) => type === 'recipe')).toHaveLength(names.length - 1);
});
