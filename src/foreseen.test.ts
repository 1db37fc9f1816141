/** Steps that are known before they begin: the same as node by node, in fewer graphs. */
import { describe, expect, test } from 'vitest';
import { type Numbers, numbers, scalarArithmetic, smallBlocks, valuesOf } from '../test/scalars.ts';
import { execute } from './execute.ts';
import { type Evaluation, modulesIn, type Node, type StretchPart, treeOf } from './model.ts';
import { type Action, compute, predict, type Run, reuse, type Site, skip } from './policy.ts';
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
    runTogether({ parts, residuals }, hidden) {
      if (!canTogether) return undefined;
      ran.push(parts.map(nameOf).join('+'));
      let [value] = valuesOf(hidden) as [number];
      const added = new Map<Node, number>();
      const before: number[] = [];
      for (const part of parts) {
        const start = value;
        if ('module' in part) {
          value = add(part.module, value);
          added.set(part.module, value - start);
        } else if ('added' in part) value += valuesOf(part.added)[0]!;
        else if ('begin' in part) before.push(value);
        else added.set(part.end, value - before.pop()!);
      }
      return Promise.resolve({ hidden: make([value]), residuals: residuals.map((node) => make([added.get(node)!])) });
    },
    finish: async (hidden) => hidden,
    dispose() {},
  };
  return { ran, made, evaluation };
}

/** How the log calls a part of a graph. */
function nameOf(part: StretchPart): string {
  if ('module' in part) return `${part.module.path} ${part.precision}`;
  if ('added' in part) return 'added';
  return 'begin' in part ? `(${part.begin.path}` : `${part.end.path})`;
}

/** A policy that does what it is told, by paths, and wants to hear of half of the modules, and of a block. */
function policyOf(actions: Readonly<Record<string, Action>>) {
  const observed: string[] = [];
  const run: Run = {
    decide: ({ node }) => actions[node.path],
    wants: ({ path }) => path.endsWith('attn') || path === 'block.0',
    observe: ({ node }, residual) => void observed.push(`${node.path} ${valuesOf(residual)}`),
  };
  return { run, observed };
}

async function executed(
  actions: Readonly<Record<string, Action>>,
  foreseen: boolean,
  {
    canTogether = true,
    changes = {} as Partial<Run>,
    signal = undefined as AbortSignal | undefined,
    arithmetic = scalarArithmetic,
  } = {},
) {
  const network = networkOf(canTogether);
  const { run, observed } = policyOf(actions);
  const context: StepContext = {
    ...{ evaluation: network.evaluation, arithmetic, trace: createTrace() },
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
/** What runs in one go where nothing is said of a block. */
const block = (index: number, precision = 'fp32') => `block.${index}.attn ${precision}+block.${index}.mlp ${precision}`;
const cases: Record<string, { actions: Readonly<Record<string, Action>>; ran: string }> = {
  'nothing said': { actions: {}, ran: `(block.0+${block(0)}+block.0)+${block(1)}+${block(2)}` },
  'modules reused': {
    actions: { 'block.0.mlp': reuse(kept), 'block.1.mlp': predict([{ tensor: kept, weight: 3 }]) },
    ran: `(block.0+block.0.attn fp32+added+block.0)+block.1.attn fp32+added+${block(2)}`,
  },
  'neighbours reused and skipped': {
    actions: { 'block.0.attn': reuse(kept), 'block.0.mlp': skip, 'block.1.attn': reuse(kept) },
    ran: `(block.0+added+block.0)+added+block.1.mlp fp32+${block(2)}`,
  },
  'a block skipped, a segment reused': {
    actions: { 'block.1': skip, 'segment.1': reuse(kept) },
    ran: `(block.0+${block(0)}+block.0)+added`,
  },
  'precisions of their own': {
    actions: { 'block.0': compute('w8a8'), 'block.1.mlp': compute('w4a8'), 'segment.1': compute('w8a8') },
    ran: `(block.0+${block(0, 'w8a8')}+block.0)+block.1.attn fp32+block.1.mlp w4a8+${block(2, 'w8a8')}`,
  },
};

describe.each(Object.entries(cases))('%s', (_, { actions, ran }) => {
  test('gives what node by node gives, and the same is observed and recorded', async () => {
    const [apart, together] = [await executed(actions, false), await executed(actions, true)];
    expect(valuesOf(await together.finished)).toEqual(valuesOf(await apart.finished));
    expect(together.observed).toEqual(apart.observed);
    expect(together.decisions()).toEqual(apart.decisions());
    expect(together.network.ran).toEqual([ran]);
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

const timesOf = ({ trace }: StepContext) => trace.decisions.filter(({ milliseconds }) => milliseconds !== undefined);

test('graphs are timed, what is inside of them is not; modules that run alone are', async () => {
  const { finished, context } = await executed({ 'block.1.attn': skip }, true);
  await finished;
  expect(timesOf(context).map(({ path }) => path)).toEqual(['step']);
  expect(context.trace.measurements).toEqual([
    { step: 4, path: 'step', values: { graphMilliseconds: expect.any(Number) } },
  ]);
  const alone = await executed({ 'block.1.attn': skip }, true, { canTogether: false });
  await alone.finished;
  expect(timesOf(alone.context)).toHaveLength(7);
  expect(alone.context.trace.measurements).toEqual([]);
});

test('where nothing is computed, what is reused is added at once', async () => {
  const actions = { 'block.0': skip, 'block.1': reuse(kept), 'segment.1': predict([{ tensor: kept, weight: 2 }]) };
  const combined: number[] = [];
  const arithmetic = {
    ...scalarArithmetic,
    combine: (terms: Parameters<typeof scalarArithmetic.combine>[0]) => {
      combined.push(terms.length);
      return scalarArithmetic.combine(terms);
    },
  };
  const { finished, network, decisions, input } = await executed(actions, true, { arithmetic });
  expect(valuesOf(await finished)).toEqual([1.5]);
  expect([combined, network.ran]).toEqual([[3], []]);
  const apart = await executed(actions, false);
  await apart.finished;
  expect(decisions()).toEqual(apart.decisions());
  const skipped = await executed({ 'segment.0': skip, 'segment.1': skip }, true);
  expect(await skipped.finished).toBe(skipped.input);
  expect(input.disposed).toBe(0);
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

test('stops between modules, and before a graph, when asked to', async () => {
  const controller = new AbortController();
  const observe = () => controller.abort();
  const options = { canTogether: false, changes: { observe }, signal: controller.signal };
  const { network, finished } = await executed({}, true, options);
  await expect(finished).rejects.toMatchObject({ code: 'aborted' });
  expect(network.ran).toEqual(['block.0.attn fp32']);
  expect(network.made.map(({ disposed }) => disposed)).toEqual(network.made.map(() => 1));
  const decide = ({ node }: Site) => void (node.path === 'block.2.mlp' && later.abort());
  const later = new AbortController();
  const stopped = await executed({}, true, { changes: { decide }, signal: later.signal });
  await expect(stopped.finished).rejects.toMatchObject({ code: 'aborted' });
  expect(stopped.network.ran).toEqual([]);
});
