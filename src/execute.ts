/**
 * THE FUNCTION: run a node unless the policy knows better. It knows neither models nor policies.
 *
 * Ownership: the input hidden state stays the caller's; the returned one is the caller's too, and is the input itself
 * when the node was skipped. Policies may retain what they are shown, so tensors are released, never disposed of.
 */
import { throwIfAborted } from './errors.ts';
import { executeForeseen } from './foreseen.ts';
import { depthOf, type ModuleResult, modulesIn, type Node, nodesOf, type Precision } from './model.ts';
import { compute, type Site } from './policy.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release } from './runtime/sharing.ts';
import { addTerms, observe, type StepContext, wanted } from './step.ts';

/** Runs `node` on `hidden` at a precision inherited from its parent, and returns the hidden state after it. */
export async function execute(node: Node, hidden: Tensor, inherited: Precision, context: StepContext): Promise<Tensor> {
  const { run, step, timestep, trace } = context;
  throwIfAborted(context.signal);
  const site: Site = { node, step, timestep, hidden, signal: context.signals.read };
  const started = performance.now();
  const action = (await run.decide(site)) ?? compute();
  const precision = action.do === 'compute' ? (action.precision ?? inherited) : inherited;
  const record = (whole?: true) => {
    const milliseconds = performance.now() - started;
    trace.record({ step, node, did: action.do, precision, milliseconds, ...(whole && { whole }) });
  };

  if (action.do === 'skip') {
    record();
    return hidden;
  }
  if (action.do === 'reuse') {
    const sum = await addTerms(hidden, action.terms, context.arithmetic);
    record();
    return sum;
  }
  const result = node.children
    ? await sequence(node, hidden, precision, context)
    : await leaf(node, hidden, precision, context);
  record(result.whole);
  try {
    if (result.residual) await observe(site, result.residual, context);
  } catch (error) {
    release(result.hidden);
    throw error;
  }
  return result.hidden;
}

/** What running a node gives: `whole` where all of it was one graph. */
interface Result extends ModuleResult {
  readonly whole?: true;
}

function leaf(node: Node, hidden: Tensor, precision: Precision, context: StepContext): Promise<Result> {
  return context.evaluation.run(node, hidden, { precision, residual: wanted(node, context) });
}

async function sequence(node: Node, hidden: Tensor, precision: Precision, context: StepContext): Promise<Result> {
  const fromGraph = await asOneGraph(node, hidden, precision, context);
  const isForeseen = context.run.foreseen && context.evaluation.runTogether;
  const run = isForeseen ? executeForeseen : oneByOne;
  const current = fromGraph ?? (await run(node, hidden, precision, context));
  const result: Result = { hidden: current, ...(fromGraph && { whole: true }) };
  if (!wanted(node, context)) return result;
  return { ...result, residual: await context.arithmetic.subtract(current, hidden) };
}

/** All that is inside a node as one graph, if the policy has nothing to say about it and the network can. */
async function asOneGraph(node: Node, hidden: Tensor, precision: Precision, context: StepContext) {
  const { run, evaluation, trace, step } = context;
  if (depthOf(node.level) < depthOf(run.finest ?? 'module')) return undefined;
  const parts = modulesIn(node).map((module) => ({ module, precision }));
  const result = await evaluation.runTogether?.({ parts, residuals: [] }, hidden);
  if (!result) return undefined;
  for (const one of nodesOf(node)) if (one !== node) trace.record({ step, node: one, did: 'compute', precision });
  return result.hidden;
}

async function oneByOne(node: Node, hidden: Tensor, precision: Precision, context: StepContext) {
  let current = hidden;
  for (const child of node.children!) {
    const before = current;
    try {
      current = await execute(child, before, precision, context);
    } catch (error) {
      if (before !== hidden) release(before);
      throw error;
    }
    if (before !== hidden && before !== current) release(before);
  }
  return current;
}
