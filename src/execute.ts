/**
 * THE FUNCTION: run a node unless the policy knows better. It knows neither models nor policies.
 *
 * Ownership: the input hidden state stays the caller's; the returned one is the caller's too, and is the input itself
 * when the node was skipped. Residuals handed to `observe` belong to the policy.
 */
import { throwIfAborted } from './errors.ts';
import type { Evaluation, Node, Precision } from './model.ts';
import { compute, type Run, type Site } from './policy.ts';
import type { Arithmetic } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { Trace } from './trace.ts';

/** What stays the same during one step. */
export interface StepContext {
  readonly evaluation: Evaluation;
  readonly run: Run;
  readonly arithmetic: Arithmetic;
  readonly trace: Trace;
  readonly step: number;
  readonly timestep: number;
  readonly signal?: AbortSignal;
}

/** Runs `node` on `hidden` at a precision inherited from its parent, and returns the hidden state after it. */
export async function execute(node: Node, hidden: Tensor, inherited: Precision, context: StepContext): Promise<Tensor> {
  const { run, step, timestep, trace } = context;
  throwIfAborted(context.signal);
  const site: Site = { node, step, timestep, hidden };
  const started = performance.now();
  const action = (await run.decide(site)) ?? compute();
  const precision = action.do === 'compute' ? (action.precision ?? inherited) : inherited;
  const record = () =>
    trace.record({ step, node, did: action.do, precision, milliseconds: performance.now() - started });

  if (action.do === 'skip') {
    record();
    return hidden;
  }
  if (action.do === 'reuse') {
    const sum = await context.arithmetic.add(hidden, action.residual);
    record();
    return sum;
  }
  const result = node.children
    ? await sequence(node, hidden, precision, context)
    : await leaf(node, hidden, precision, context);
  record();
  if (result.residual) await run.observe?.(site, result.residual);
  return result.hidden;
}

const wanted = (node: Node, { run }: StepContext): boolean => run.wants?.(node) ?? false;

async function leaf(node: Node, hidden: Tensor, precision: Precision, context: StepContext) {
  return context.evaluation.run(node, hidden, { precision, residual: wanted(node, context) });
}

async function sequence(node: Node, hidden: Tensor, precision: Precision, context: StepContext) {
  let current = hidden;
  for (const child of node.children!) {
    const next = await execute(child, current, precision, context);
    if (current !== hidden && current !== next) current.dispose();
    current = next;
  }
  if (!wanted(node, context)) return { hidden: current };
  return { hidden: current, residual: await context.arithmetic.subtract(current, hidden) };
}
