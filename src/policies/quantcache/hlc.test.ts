import { expect, test } from 'vitest';
import { contextOf, numbers, scalarLeap, siteOf } from '../../../test/scalars.ts';
import { createTrace } from '../../trace.ts';
import { createBench, decisionsOf, testPolicy } from '../conformance.ts';
import { createPolicy } from '../index.ts';
import { followed, hlc, hlcOptions, lookUp } from './hlc.ts';
import { planFor } from './leaps.ts';

const eager = {
  codebook: [
    [0.05, 1],
    [1, 4],
  ],
};

const plan = [
  { step: 0, latents: 1, outputs: [[2, -1]] },
  { step: 3, latents: 1, outputs: [] },
  {
    step: 4,
    latents: 1,
    outputs: [
      [3, -2],
      [0.1, 0],
    ],
  },
  {
    step: 10,
    latents: 1,
    outputs: [
      [2, -1],
      [0, 0],
      [0.1, 0.1],
    ],
  },
];

testPolicy('hlc', {
  conservative: { codebook: [[1e-9, 0]] },
  variants: {
    hold: { ...eager, order: 0 },
    predict: { ...eager, order: 1, warmup: 2 },
    'inner level': { codebook: [[10, 1]], inner: 10, innerOrder: 1 },
    'inner level, one kind': { codebook: [[10, 1]], inner: 10, innerKinds: ['cross-attention'] },
    'by plan': { plans: { 12: plan } },
    'probes in the blocks': { ...eager, probe: ['temporal-attention', 'feed-forward'], final: 3 },
  },
});

test('the codebook gives the steps of the first entry above the divergence, and none for what is no number', () => {
  const codebook: [number, number][] = [
    [0.03, 5],
    [0.1, 2],
  ];
  expect([0.01, 0.03, 0.0999, 0.1, Number.NaN].map((divergence) => lookUp(codebook, divergence))).toEqual([
    5, 2, 2, 0, 0,
  ]);
});

test('a prediction is followed wholly, in part or not at all', () => {
  const [a, b] = [{ dims: [1] }, { dims: [2] }] as never[];
  const line = [
    { tensor: a!, weight: 3 },
    { tensor: b!, weight: -2 },
  ];
  expect(followed(line, 1)).toEqual(line);
  expect(followed(line, 0.5).map(({ weight }) => weight)).toEqual([2, -1]);
  expect(followed(line, 0)).toEqual([{ tensor: a, weight: 1 }]);
});

test('the divergence is the relative change per step, and the codebook scales with the number of steps', async () => {
  const bench = await createBench();
  const trace = createTrace();
  // 12 steps stand for 30: an entry of 5 steps becomes 2.
  await bench.sample(createPolicy('hlc', { codebook: [[100, 5]], warmup: 2, order: 0 }), { trace });
  expect(decisionsOf(trace).map((step) => step.at(-1))).toEqual([...'ccrrcrrcrrcc']);
  const measured = trace.measurements.filter(({ path, values }) => path === 'step' && 'divergence' in values);
  expect(measured.map(({ step }) => step)).toEqual([1, 4, 7, 10, 11]);
  await bench.close();
});

test('a memory too small holds nothing, computes everything and says so once', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const found = await bench.sample(createPolicy('hlc', { ...eager, cacheMemory: 0.01 }), { trace });
  expect(found).toEqual(await bench.sample(createPolicy('full')));
  expect(trace.warnings).toEqual([expect.stringMatching(/Only 0 of 1 residuals fit into 0.0 MB.*take 0\.\d MB/)]);
  expect(trace.measurements.every(({ values }) => (values.heldBytes ?? 0) === 0)).toBe(true);
  await bench.close();
});

test('memory is bounded, the stack first and modules as far as they fit', async () => {
  const bench = await createBench();
  const trace = createTrace();
  // One residual is 2 x 5 x 6 x 48 numbers of 4 bytes; 0.06 MB take five: two of the stack, three of modules.
  await bench.sample(createPolicy('hlc', { codebook: [[10, 1]], inner: 10, order: 1, cacheMemory: 0.06 }), { trace });
  const held = trace.measurements.flatMap(({ values }) => values.heldBytes ?? []);
  expect(Math.max(...held)).toBeLessThanOrEqual(0.06 * 2 ** 20);
  expect(Math.max(...held)).toBe(5 * 11520);
  const reused = new Set(
    trace.decisions.filter(({ did, level }) => did === 'reuse' && level === 'module').map(({ path }) => path),
  );
  expect(reused.size).toBeGreaterThan(0);
  expect(reused.size).toBeLessThan(12);
  await bench.close();
});

test('a plan says which steps are computed; the others are leapt over', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const found = await bench.sample(createPolicy('hlc', { plans: { 12: plan } }), { trace });
  expect(decisionsOf(trace).map((step) => step.at(-1))).toEqual([...'crrccrrrrrcr']);
  expect(found.every(Number.isFinite)).toBe(true);
  expect(trace.measurements.every(({ values }) => !('divergence' in values))).toBe(true);
  await bench.close();
});

test.each([
  [20, [0, 5, 7, 17]],
  [7, [0, 2, 6]],
  [50, [0, 10, 20, 30, 40]],
  [2, [0, 1]],
])('a run of %i steps follows the plan of the nearest length, moved to the same times', (numSteps, steps) => {
  const other = [0, 8, 16, 24, 32].map((step) => ({ step, latents: 1, outputs: [[1, 0]] }));
  const found = planFor({ 12: plan, 40: other }, { numSteps, leap: scalarLeap })!;
  expect(found.map(({ step }) => step)).toEqual(steps);
});

test('where a moved plan lost the steps that a leap is made of, the next one is computed', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const dense = [0, 1, 2, 8].map((step, i) => ({
    step,
    latents: 1,
    outputs: Array.from({ length: Math.min(3, i + 1) }, () => [1, 0]),
  }));
  await bench.sample(createPolicy('hlc', { plans: { 12: dense } }), { trace, numSteps: 5 });
  expect(decisionsOf(trace).map((step) => step.at(-1))).toEqual([...'ccccr']);
  await bench.close();
});

test('a plan whose outputs do not fit computes everything and says so', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const found = await bench.sample(createPolicy('hlc', { plans: { 12: plan }, cacheMemory: 0.001 }), { trace });
  expect(found).toEqual(await bench.sample(createPolicy('full')));
  expect(trace.warnings).toEqual([expect.stringMatching(/do not fit.*every step is computed/)]);
  await bench.close();
});

test.each([[[1, 4]], [[0, 4, 4]], [[0, 12]], [[]]])(
  'a plan that computes the steps %j of 12 is refused',
  async (steps) => {
    const bench = await createBench();
    const broken = steps.map((step) => ({ step, latents: 1, outputs: [[1, 0]] }));
    await expect(bench.sample(createPolicy('hlc', { plans: { 12: broken } }))).rejects.toThrow(/plan for 12 steps/);
    await bench.close();
  },
);

test('broken statistics are told once', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const nan = async () => Number.NaN;
  await bench.sample(createPolicy('hlc', eager), { trace, arithmetic: (whole) => ({ ...whole, relativeL1: nan }) });
  expect(trace.warnings).toContainEqual(expect.stringMatching(/"hlc" was not a finite number/));
  await bench.close();
});

test('the divergence of the stack and the step until which it is reused are measured where they are known', async () => {
  const found: [number, string, object][] = [];
  const context = contextOf(60, 2, { measure: ({ step, path, values }) => void found.push([step, path, values]) });
  const run = hlc({ codebook: [[1, 5]], order: 0, warmup: 1 }).begin(context);
  for (const [step, value] of [
    [0, 2],
    [1, 3],
    [2, 3],
  ] as const) {
    await run.decide(siteOf(context.tree, step));
    await run.observe!(siteOf(context.tree, step), numbers([value]));
  }
  // 60 steps are twice the 30 that codebooks are for: a change of 0.5 per step is one of 1, and 5 steps are 10.
  expect(found.filter(([, , values]) => 'due' in values)).toEqual([
    [1, 'step', { aggregate: 0.5, due: 2 }],
    [2, 'step', { aggregate: 0, due: 13 }],
  ]);
});

test('the codebook, where nobody says otherwise', () => {
  expect(hlcOptions.parse({}).codebook).toEqual([
    [0.03, 5],
    [0.06, 3],
    [0.12, 1],
  ]);
});

test('a list of probes names some', () => {
  expect(() => hlc({ probe: [] })).toThrow(/probe/);
});

test('a step is one graph where no module is decided about or compared', () => {
  const finest = (options: Record<string, unknown>) => createPolicy('hlc', options).begin(contextOf(12)).finest;
  expect(finest({})).toBe('step');
  expect(finest({ inner: 0.1 })).toBe('module');
  expect(finest({ probe: ['feed-forward'] })).toBe('module');
});
