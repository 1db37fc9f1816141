/** Steps that are known before they begin: the same as node by node, in fewer graphs. */
import { describe, expect, test } from 'vitest';
import { type Numbers, numbers, scalarArithmetic, smallBlocks, valuesOf } from '../test/scalars.ts';
import { execute } from './execute.ts';
import { type Evaluation, modulesIn, type Node, treeOf } from './model.ts';
import { type Action, compute, predict, type Run, reuse, skip } from './policy.ts';
import type { StepContext } from './step.ts';
import { createTrace } from './trace.ts';

const tree = treeOf(smallBlocks(3), [2]);

/** A network whose modules add 1, 10, 100, ...; a log of what ran in one go, and its tensors. */
function networkOf(canTogether = true) {
  const ran: string[] = [];
  const made: Numbers[] = [];
  const make = (values: readonly number[]) => {
    const tensor = numbers(values);
    made.push(tensor);
    return tensor;
  };
  const add = (node: Node, value: number) => value + 10 ** modulesIn(tree).indexOf(node);
  const evaluation: Evaluation = {
    hidden: numbers([1]),
    async run(node, hidden, { precision, residual }) {
      ran.push(`${node.path} ${precision}`);
      const [before] = valuesOf(hidden) as [number];
      const after = add(node, before);
      return { hidden: make([after]), ...(residual && { residual: make([after - before]) }) };
    },
    runTogether({ parts, precision, residuals }, hidden) {
      if (!canTogether) return undefined;
      ran.push(`${parts.map((part) => ('module' in part ? part.module.path : 'added')).join('+')} ${precision}`);
      let [value] = valuesOf(hidden) as [number];
      const added = new Map<Node, number>();
      for (const part of parts) {
        const change = 'module' in part ? add(part.module, value) - value : valuesOf(part.added)[0]!;
        if ('module' in part) added.set(part.module, change);
        value += change;
      }
      return Promise.resolve({ hidden: make([value]), residuals: residuals.map((node) => make([added.get(node)!])) });
    },
    finish: async (hidden) => hidden,
    dispose() {},
  };
  return { ran, made, evaluation };
}

/** A policy that does what it is told, by paths, and wants to hear of half of the modules. */
function policyOf(actions: Readonly<Record<string, Action>>) {
  const observed: string[] = [];
  const run: Run = {
    decide: ({ node }) => actions[node.path],
    wants: ({ path }) => path.endsWith('attn'),
    observe: ({ node }, residual) => void observed.push(`${node.path} ${valuesOf(residual)}`),
  };
  return { run, observed };
}

async function executed(
  actions: Readonly<Record<string, Action>>,
  foreseen: boolean,
  { canTogether = true, changes = {} as Partial<Run>, signal = undefined as AbortSignal | undefined } = {},
) {
  const network = networkOf(canTogether);
  const { run, observed } = policyOf(actions);
  const context: StepContext = {
    ...{ evaluation: network.evaluation, arithmetic: scalarArithmetic, trace: createTrace() },
    run: { ...run, foreseen, ...changes },
    signals: { read: async () => network.evaluation.hidden, dispose: async () => {} },
    ...{ step: 4, timestep: 600, signal },
  };
  const input = numbers([0]);
  const finished = execute(tree, input, 'fp32', context);
  const decisions = () => context.trace.decisions.map(({ path, did, precision }) => `${path} ${did} ${precision}`);
  return { network, observed, input, finished, context, decisions };
}

const kept = numbers([0.5]);
const cases: Record<string, { actions: Readonly<Record<string, Action>>; ran: readonly string[] }> = {
  'nothing said': {
    actions: {},
    ran: ['block.0.attn+block.0.mlp+block.1.attn+block.1.mlp+block.2.attn+block.2.mlp fp32'],
  },
  'modules reused': {
    actions: { 'block.0.mlp': reuse(kept), 'block.1.mlp': predict([{ tensor: kept, weight: 3 }]) },
    ran: ['block.0.attn+added+block.1.attn+added+block.2.attn+block.2.mlp fp32'],
  },
  'neighbours reused and skipped': {
    actions: { 'block.0.attn': reuse(kept), 'block.0.mlp': skip, 'block.1.attn': reuse(kept) },
    ran: ['added+added+block.1.mlp+block.2.attn+block.2.mlp fp32'],
  },
  'a block skipped, a segment reused': {
    actions: { 'block.1': skip, 'segment.1': reuse(kept) },
    ran: ['block.0.attn+block.0.mlp+added fp32'],
  },
  'precisions of their own': {
    actions: { 'block.0': compute('w8a8'), 'block.1.mlp': compute('w4a8'), 'segment.1': compute('w8a8') },
    ran: ['block.0.attn+block.0.mlp w8a8', 'block.1.attn fp32', 'block.1.mlp w4a8', 'block.2.attn+block.2.mlp w8a8'],
  },
  'all skipped': { actions: { 'segment.0': skip, 'segment.1': skip }, ran: [] },
};

describe.each(Object.entries(cases))('%s', (_, { actions, ran }) => {
  test('gives what node by node gives, and the same is observed and recorded', async () => {
    const [apart, together] = [await executed(actions, false), await executed(actions, true)];
    expect(valuesOf(await together.finished)).toEqual(valuesOf(await apart.finished));
    expect(together.observed).toEqual(apart.observed);
    expect(together.decisions()).toEqual(apart.decisions());
    expect(together.network.ran).toEqual(ran);
  });

  test('module by module where the network has no such graphs', async () => {
    const [apart, alone] = [await executed(actions, false), await executed(actions, true, { canTogether: false })];
    expect(valuesOf(await alone.finished)).toEqual(valuesOf(await apart.finished));
    expect(alone.observed).toEqual(apart.observed);
    expect(alone.decisions()).toEqual(apart.decisions());
    expect(alone.network.ran).toEqual(apart.network.ran);
  });

  test('frees all but what it returns', async () => {
    for (const canTogether of [true, false]) {
      const { network, finished, input } = await executed(actions, true, { canTogether });
      const result = await finished;
      expect(network.made.filter((tensor) => tensor !== result).map(({ disposed }) => disposed)).toEqual(
        network.made.filter((tensor) => tensor !== result).map(() => 1),
      );
      expect(input.disposed).toBe(0);
      expect((result as Numbers).disposed).toBe(0);
    }
    expect(kept.disposed).toBe(0);
  });
});

test('graphs are timed, what is inside of them is not; modules that run alone are', async () => {
  const { finished, context } = await executed({ 'block.1.attn': skip }, true);
  await finished;
  const timed = context.trace.decisions.filter(({ milliseconds }) => milliseconds !== undefined);
  expect(timed.map(({ path }) => path)).toEqual(['step']);
  expect(context.trace.measurements).toEqual([
    { step: 4, path: 'step', values: { graphs: 1, graphMilliseconds: expect.any(Number) } },
  ]);
  const alone = await executed({ 'block.1.attn': skip }, true, { canTogether: false });
  await alone.finished;
  expect(alone.context.trace.decisions.filter(({ milliseconds }) => milliseconds !== undefined)).toHaveLength(6);
  expect(alone.context.trace.measurements).toEqual([]);
});

test('a policy that fails leaves nothing behind', async () => {
  const observe = () => {
    throw new Error('broken');
  };
  for (const canTogether of [true, false]) {
    const { network, finished, input } = await executed({}, true, { canTogether, changes: { observe } });
    await expect(finished).rejects.toThrow('broken');
    expect(network.made.length).toBeGreaterThan(0);
    expect(network.made.map(({ disposed }) => disposed)).toEqual(network.made.map(() => 1));
    expect(input.disposed).toBe(0);
  }
});

test('stops between graphs when asked to', async () => {
  const controller = new AbortController();
  const observe = () => controller.abort();
  for (const canTogether of [true, false]) {
    const options = { canTogether, changes: { observe }, signal: controller.signal };
    const { network, finished } = await executed({ 'block.1': compute('w8a8') }, true, options);
    await expect(finished).rejects.toMatchObject({ code: 'aborted' });
    expect(network.ran.length).toBeLessThan(2);
  }
});
