/** Summaries and files of traces, and the map drawn of one, on a run of two steps written by hand. */
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type Node, treeOf } from '../model.ts';
import { createTrace } from '../trace.ts';
import { pngOfSvg } from '../video/svg.ts';
import { parseTraceDocument, summarizeDocument, traceDocument } from './document.ts';
import { decisionMap } from './map.ts';
import { summarize, summaryLines } from './summary.ts';

const module = (path: string): Node => ({ path, level: 'module', kind: 'feed-forward', index: 0 });
const blocks: Node[] = ['a', 'b'].map((path, index) => ({
  path,
  level: 'block',
  kind: 'spatial-block',
  index,
  children: [module(`${path}.attn`), module(`${path}.mlp`)],
}));
const tree = treeOf(blocks);

/** Three steps: all computed; block b skipped, a.mlp in w8a8 and a.attn reused; the whole step reused. */
function example() {
  const trace = createTrace();
  const [segment] = tree.children!;
  const [a, b] = blocks;
  const record = (
    step: number,
    node: Node,
    did: 'compute' | 'reuse' | 'skip',
    milliseconds: number,
    precision = 'fp32',
  ) => trace.record({ step, node, did, milliseconds, precision: precision as 'fp32' });
  for (const block of blocks) {
    for (const child of block.children!) record(0, child, 'compute', 10);
    record(0, block, 'compute', 21);
  }
  record(0, segment!, 'compute', 43);
  record(0, tree, 'compute', 44);
  record(1, a!.children![0]!, 'reuse', 1);
  record(1, a!.children![1]!, 'compute', 4, 'w8a8');
  record(1, a!, 'compute', 6);
  record(1, b!, 'skip', 0);
  record(1, segment!, 'compute', 6);
  record(1, tree, 'compute', 7);
  record(2, tree, 'reuse', 1);
  trace.measure({ step: 1, path: 'step', values: { heldBytes: 2 ** 20, divergence: Number.NaN } });
  trace.warn('careful');
  trace.warn('careful');
  return trace;
}

const flops = (node: Pick<Node, 'path'>) => (node.path.endsWith('mlp') ? 30 : 10);
const document = () => traceDocument(example(), { model: 'm <1>', policy: 'p', numSteps: 3, blocks, flops });

describe('traces as they come', () => {
  test('of a long run are summarised: more measurements than a call takes arguments', () => {
    const trace = example();
    for (let step = 0; step < 200_000; step++) trace.measure({ step, path: 'step', values: { heldBytes: step } });
    expect(summarize(trace).heldBytes).toBe(2 ** 20);
  });

  test('without a decision have numbers, no NaN', () => {
    const empty = summarize(createTrace(), new Map([['a', 0]]));
    expect(summaryLines(empty).join('\n')).not.toMatch(/NaN|Infinity/);
  });

  test('of 900 steps are drawn as a picture that can be made', async () => {
    const trace = createTrace();
    for (let step = 0; step < 900; step++)
      trace.record({ step, node: tree, did: 'compute', milliseconds: 1, precision: 'fp32' });
    const svg = decisionMap(traceDocument(trace, { model: 'm', policy: 'p', numSteps: 900, blocks, flops }));
    expect((await sharp(await pngOfSvg(svg)).metadata()).width).toBeGreaterThan(3600);
  });

  test('with a control character in a name are drawn', async () => {
    const svg = decisionMap({ ...document(), model: 'odd\u0001\u0000name\ud800' });
    expect(svg).toContain('odd\ufffd\ufffdname\ufffd');
    expect((await sharp(await pngOfSvg(svg)).metadata()).format).toBe('png');
  });
});

describe('summary', () => {
  test('counts what was decided, not what lies below a reused node', () => {
    const { levels, steps } = summarize(example());
    expect(steps).toBe(3);
    expect(levels).toEqual([
      { level: 'step', compute: 2, reuse: 1, skip: 0 },
      { level: 'segment', compute: 2, reuse: 0, skip: 0 },
      { level: 'block', compute: 3, reuse: 0, skip: 1 },
      { level: 'module', compute: 5, reuse: 1, skip: 0 },
    ]);
  });

  test('operations, precisions, time and memory', () => {
    const summary = summarize(
      example(),
      new Map(blocks.flatMap(({ children = [] }) => children.map((node) => [node.path, flops(node)]))),
    );
    expect(summary.flops).toEqual({ computed: 110, full: 240 });
    expect(summary.precisions.fp32).toBeCloseTo(80 / 110, 12);
    expect(summary.precisions.w8a8).toBeCloseTo(30 / 110, 12);
    expect(summary.time.spent).toBe(52);
    expect(summary.time.overhead).toBe(52 - 44);
    // a.mlp ran warm once, 4 ms, and was left out once; the others ran once, 10 ms, and were left out twice.
    expect(summary.time.saved).toBe(4 + 3 * 20);
    expect(summary.heldBytes).toBe(2 ** 20);
    const whole = createTrace();
    for (const [step, milliseconds] of [9, 5, 5].entries()) {
      for (const block of blocks)
        for (const child of block.children!) whole.record({ step, node: child, did: 'compute', precision: 'fp32' });
      whole.record({ step, node: tree, did: 'compute', precision: 'fp32', milliseconds, whole: true });
    }
    for (const step of [3, 4]) whole.record({ step, node: tree, did: 'reuse', precision: 'fp32', milliseconds: 1 });
    expect(summarize(whole).time).toEqual({ spent: 21, overhead: 2, saved: 2 * 5 });
    expect(summarize(example()).precisions.w8a8).toBeCloseTo(1 / 5, 12);
    expect(summaryLines(summary).join('\n')).toMatch(/module\s+5\s+1\s+0.*w8a8 27.3 %.*45.8 %.*held: 1.0 MB/s);
  });

  test('of graphs of several modules know their time as a whole, and what is saved by operations', () => {
    const run = createTrace();
    for (const [step, did] of (['compute', 'reuse', 'reuse'] as const).entries()) {
      for (const path of ['a.attn', 'a.mlp']) run.record({ step, node: module(path), did, precision: 'fp32' });
      run.record({ step, node: tree, did: 'compute', milliseconds: 12, precision: 'fp32' });
    }
    run.measure({ step: 0, path: 'step', values: { graphs: 1, graphMilliseconds: 10 } });
    const known = new Map(['a.attn', 'a.mlp'].map((path) => [path, flops({ path })]));
    expect(summarize(run, known).time).toEqual({ spent: 36, overhead: 26, saved: 20 });
    expect(summarize(run).time).toEqual({ spent: 36, overhead: 26, saved: 0 });
  });
});

describe('document', () => {
  test('survives being written and read', () => {
    const read = parseTraceDocument(JSON.stringify(document()), 'x.json');
    expect(read).toEqual(document());
    expect(read.measurements[0]!.values.divergence).toBeNaN();
    expect(read.warnings).toEqual(['careful']);
    expect(summarizeDocument(read).flops).toEqual({ computed: 110, full: 240 });
  });

  test('other files are refused with a reason', () => {
    expect(() => parseTraceDocument('<svg', 'x.json')).toThrow(/x.json is not a trace.*it is not JSON/);
    expect(() => parseTraceDocument('{"format":"quantcache-trace","version":2}', 'x.json')).toThrow(/version/);
  });
});

describe('map', () => {
  const svg = decisionMap(document());

  test('shows a cell per step of the whole and of each module, in the colour of what was done', () => {
    const cells = [...svg.matchAll(/<rect x="(\d+)" y="(\d+)"[^>]*fill="(#\w+)"/g)].map(([, x, y, fill]) => [
      x,
      y,
      fill,
    ]);
    const columns = [...new Set(cells.slice(0, 15).map(([x]) => x))];
    expect(columns).toHaveLength(3);
    const fillsOf = (row: number) => cells.slice(row * 3, row * 3 + 3).map(([, , fill]) => fill);
    const [computed, reusedStep, reusedModule, w8a8, skipped] = ['#1b3a6b', '#fbe6c5', '#dd7f22', '#1f9e89', '#b4b4b4'];
    expect(fillsOf(0)).toEqual([computed, computed, reusedStep]);
    expect(fillsOf(1)).toEqual([computed, reusedModule, reusedStep]);
    expect(fillsOf(2)).toEqual([computed, w8a8, reusedStep]);
    expect(fillsOf(3)).toEqual([computed, skipped, reusedStep]);
    expect(fillsOf(4)).toEqual([computed, skipped, reusedStep]);
  });

  test('says what the colours mean, and escapes names', () => {
    expect(svg).toMatch(/block skipped.*computed in fp32.*computed in w8a8.*module reused.*step reused/s);
    expect(svg).toContain('p on m &lt;1&gt;');
    expect(svg).toContain('2 of 3 steps computed, 45.8 % of the operations');
  });
});
