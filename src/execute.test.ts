import { expect, test } from 'vitest';
import { type Numbers, numbers, scalarArithmetic, siteOf, smallBlocks, valuesOf } from '../test/scalars.ts';
import { execute } from './execute.ts';
import { type Evaluation, modulesIn, type Node, treeOf } from './model.ts';
import { compute, predict, type Run, reuse, skip } from './policy.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { StepContext } from './step.ts';
import { createTrace } from './trace.ts';

const tree = treeOf(smallBlocks(2));
const [first, second] = tree.children![0]!.children as readonly [Node, Node];

/** A network of modules that add 1, 10, 100 and 1000, and a log of what it ran. */
function networkOf(changes: Partial<Evaluation> = {}) {
  const ran: string[] = [];
  const made: Numbers[] = [];
  const make = (values: readonly number[]) => {
    const tensor = numbers(values);
    made.push(tensor);
    return tensor;
  };
  const evaluation: Evaluation = {
    hidden: numbers([0]),
    async run(node, hidden, { precision, residual }) {
      ran.push(`${node.path} ${precision}${residual ? ' residual' : ''}`);
      const added = 10 ** modulesIn(tree).indexOf(node);
      const result = make(valuesOf(hidden).map((value) => value + added));
      return { hidden: result, ...(residual && { residual: make([added]) }) };
    },
    finish: async (hidden) => hidden,
    dispose() {},
    ...changes,
  };
  return { ran, made, evaluation };
}

function contextOf(network: ReturnType<typeof networkOf>, run: Partial<Run>, changes: Partial<StepContext> = {}) {
  const context: StepContext = {
    evaluation: network.evaluation,
    run: { decide: () => undefined, ...run },
    arithmetic: scalarArithmetic,
    trace: createTrace(),
    signals: { read: async () => network.evaluation.hidden, dispose: async () => {} },
    step: 4,
    timestep: 600,
    ...changes,
  };
  return context;
}

const allModules = ['block.0.attn', 'block.0.mlp', 'block.1.attn', 'block.1.mlp'];

test('without an opinion everything is computed, in order, and recorded after it is done', async () => {
  const network = networkOf();
  const input = numbers([0]);
  const sites: string[] = [];
  const decide: Run['decide'] = ({ node, step, timestep, hidden }) => {
    sites.push(`${node.path} ${step} ${timestep} ${valuesOf(hidden)}`);
    return undefined;
  };
  const context = contextOf(network, { decide });
  const hidden = await execute(tree, input, 'fp32', context);
  expect(valuesOf(hidden)).toEqual([1111]);
  expect(network.ran).toEqual(allModules.map((path) => `${path} fp32`));
  expect(sites.slice(0, 4)).toEqual(['step 4 600 0', 'segment.0 4 600 0', 'block.0 4 600 0', 'block.0.attn 4 600 0']);
  expect(sites.at(-1)).toBe('block.1.mlp 4 600 111');
  expect(context.trace.decisions.map(({ path, did, step }) => `${path} ${did} ${step}`)).toEqual([
    'block.0.attn compute 4',
    'block.0.mlp compute 4',
    'block.0 compute 4',
    'block.1.attn compute 4',
    'block.1.mlp compute 4',
    'block.1 compute 4',
    'segment.0 compute 4',
    'step compute 4',
  ]);
  // Hidden states between modules are freed once, the input and the result not at all.
  expect(network.made.map(({ disposed }) => disposed)).toEqual([1, 1, 1, 0]);
  expect(input.disposed).toBe(0);
});

test('a signal that fires during a step stops it before the next node', async () => {
  const controller = new AbortController();
  const network = networkOf();
  const decide: Run['decide'] = ({ node }) => {
    if (node.path === 'block.0.mlp') controller.abort();
    return undefined;
  };
  const input = numbers([0]);
  const context = contextOf(network, { decide }, { signal: controller.signal });
  await expect(execute(tree, input, 'fp32', context)).rejects.toMatchObject({ code: 'aborted' });
  expect(network.ran).toEqual(['block.0.attn fp32', 'block.0.mlp fp32']);
  expect(network.made.map(({ disposed }) => disposed)).toEqual([1, 1]);
  expect(input.disposed).toBe(0);
});

test('a precision named at a node holds inside it, until a node inside names another', async () => {
  const network = networkOf();
  const decide: Run['decide'] = ({ node }) => {
    if (node === first) return compute('w8a8');
    if (node.path === 'block.0.mlp') return compute('w4a8');
    return node === second ? compute() : undefined;
  };
  const context = contextOf(network, { decide });
  await execute(tree, numbers([0]), 'w4a6', context);
  expect(network.ran).toEqual(['block.0.attn w8a8', 'block.0.mlp w4a8', 'block.1.attn w4a6', 'block.1.mlp w4a6']);
  const precisions = context.trace.decisions.map(({ path, precision }) => `${path} ${precision}`);
  expect(precisions).toContain('block.0 w8a8');
  expect(precisions).toContain('step w4a6');
});

test('skipping adds nothing and returns the input itself', async () => {
  const network = networkOf();
  const input = numbers([5]);
  const context = contextOf(network, { decide: () => skip });
  expect(await execute(tree, input, 'w8a8', context)).toBe(input);
  expect(network.ran).toEqual([]);
  expect(context.trace.decisions).toMatchObject([{ path: 'step', did: 'skip', precision: 'w8a8', level: 'step' }]);
});

test('skipped modules neither free the input nor anything twice', async () => {
  const network = networkOf();
  const input = numbers([5]);
  const skipped = new Set(['block.0.attn', 'block.1.mlp']);
  const decide: Run['decide'] = ({ node }) => (skipped.has(node.path) ? skip : undefined);
  expect(valuesOf(await execute(tree, input, 'fp32', contextOf(network, { decide })))).toEqual([115]);
  expect(network.made.map(({ disposed }) => disposed)).toEqual([1, 0]);
  expect(input.disposed).toBe(0);
});

test('reusing adds a residual as it is, predicting a weighted sum', async () => {
  const network = networkOf();
  const sums: string[] = [];
  const arithmetic: typeof scalarArithmetic = {
    ...scalarArithmetic,
    add: (a, b) => {
      sums.push('add');
      return scalarArithmetic.add(a, b);
    },
    combine: (terms) => {
      sums.push(`combine ${terms.length}`);
      return scalarArithmetic.combine(terms);
    },
  };
  const [a, b] = [numbers([3]), numbers([7])];
  const answers = [
    reuse(a),
    predict([{ tensor: a, weight: 2 }]),
    predict([
      { tensor: a, weight: 1 },
      { tensor: b, weight: -1 },
    ]),
  ];
  const found = [];
  for (const answer of answers) {
    const context = contextOf(network, { decide: () => answer }, { arithmetic });
    found.push(...valuesOf(await execute(tree, numbers([100]), 'fp32', context)));
    expect(context.trace.decisions).toMatchObject([{ path: 'step', did: 'reuse', precision: 'fp32' }]);
  }
  expect(found).toEqual([103, 106, 96]);
  expect(sums).toEqual(['add', 'combine 2', 'combine 3']);
  expect([a.disposed, b.disposed]).toEqual([0, 0]);
});

test('residuals are shown where they are wanted, at every level, and freed afterwards', async () => {
  const network = networkOf();
  const seen: [string, number][] = [];
  const residuals: Tensor[] = [];
  const wanted = new Set(['step', 'block.1', 'block.1.mlp']);
  const context = contextOf(network, {
    wants: ({ path }) => wanted.has(path),
    observe({ node }, residual) {
      seen.push([node.path, valuesOf(residual)[0]!]);
      residuals.push(residual);
    },
  });
  await execute(tree, numbers([0]), 'fp32', context);
  expect(seen).toEqual([
    ['block.1.mlp', 1000],
    ['block.1', 1100],
    ['step', 1111],
  ]);
  expect(network.ran.filter((line) => line.endsWith('residual'))).toEqual(['block.1.mlp fp32 residual']);
  expect(residuals.map((residual) => (residual as Numbers).disposed)).toEqual([1, 1, 1]);
});

test('where a policy cannot bear what it is shown, nothing is left behind', async () => {
  const network = networkOf();
  const input = numbers([0]);
  const context = contextOf(network, {
    wants: ({ path }) => path === 'block.0.mlp',
    observe() {
      throw new Error('no room');
    },
  });
  await expect(execute(tree, input, 'fp32', context)).rejects.toThrow('no room');
  expect(network.made.map(({ disposed }) => disposed)).toEqual([1, 1, 1]);
  expect(input.disposed).toBe(0);
});

test('a failing module leaves nothing behind', async () => {
  const network = networkOf();
  const { run } = network.evaluation;
  const evaluation: Evaluation = {
    ...network.evaluation,
    run: (node, ...rest) => (node.path === 'block.1.mlp' ? Promise.reject(new Error('broken')) : run(node, ...rest)),
  };
  const input = numbers([0]);
  await expect(execute(tree, input, 'fp32', contextOf({ ...network, evaluation }, {}))).rejects.toThrow('broken');
  expect(network.made.map(({ disposed }) => disposed)).toEqual([1, 1, 1]);
  expect(input.disposed).toBe(0);
});

test('what a policy does not look into runs as one graph where the network has one', async () => {
  const asked: string[] = [];
  const runTogether: Evaluation['runTogether'] = ({ parts, residuals }, hidden) => {
    const modules = parts.flatMap((part) => ('module' in part ? [part] : []));
    asked.push(`${modules.map(({ module, precision }) => `${module.path} ${precision}`)} ${residuals.length}`);
    if (modules[0]!.module !== first.children![0]) return undefined;
    return Promise.resolve({ hidden: numbers(valuesOf(hidden).map((value) => value + 11)), residuals: [] });
  };
  const network = networkOf({ runTogether });
  const finestBlock = contextOf(network, { finest: 'block' });
  expect(valuesOf(await execute(tree, numbers([0]), 'w8a8', finestBlock))).toEqual([1111]);
  // Blocks are asked, what is outside of them is not; the second declines and runs module by module.
  expect(asked).toEqual(['block.0.attn w8a8,block.0.mlp w8a8 0', 'block.1.attn w8a8,block.1.mlp w8a8 0']);
  expect(network.ran).toEqual(['block.1.attn w8a8', 'block.1.mlp w8a8']);
  expect(finestBlock.trace.decisions.map(({ path, did }) => `${path} ${did}`)).toEqual(
    ['block.0.attn', 'block.0.mlp', 'block.0', 'block.1.attn', 'block.1.mlp', 'block.1', 'segment.0', 'step'].map(
      (path) => `${path} compute`,
    ),
  );
  asked.length = 0;
  await execute(tree, numbers([0]), 'fp32', contextOf(network, {}));
  expect(asked).toEqual([]);
});

test('what is inside one graph has no times: only the node that ran is timed', async () => {
  const network = networkOf({
    runTogether: async (_, hidden) => ({ hidden: numbers(valuesOf(hidden)), residuals: [] }),
  });
  const context = contextOf(network, { finest: 'step' });
  await execute(tree, numbers([0]), 'fp32', context);
  const { decisions } = context.trace;
  expect(decisions).toHaveLength(8);
  const timed = decisions.filter((decision) => 'milliseconds' in decision || 'whole' in decision);
  expect(timed).toMatchObject([{ path: 'step', whole: true, milliseconds: expect.any(Number) }]);
});

test('a policy may look at signals of the step while it decides', async () => {
  const network = networkOf();
  const latents = numbers([42]);
  const seen: number[] = [];
  const decide: Run['decide'] = async ({ signal }) => {
    seen.push(...valuesOf(await signal('latents')));
    return skip;
  };
  const signals = { read: async () => latents, dispose: async () => {} };
  await execute(tree, siteOf(tree, 0).hidden, 'fp32', contextOf(network, { decide }, { signals }));
  expect(seen).toEqual([42]);
});
