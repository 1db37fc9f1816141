/** What the ways of executing a step have in common. */
import type { Evaluation, Node } from './model.ts';
import type { Run, Site } from './policy.ts';
import type { Arithmetic, Term } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release } from './runtime/sharing.ts';
import type { Signals } from './signals.ts';
import type { Trace } from './trace.ts';

/** What stays the same during one step. */
export interface StepContext {
  readonly evaluation: Evaluation;
  readonly run: Run;
  readonly arithmetic: Arithmetic;
  readonly trace: Trace;
  readonly signals: Signals;
  readonly step: number;
  readonly timestep: number;
  readonly signal?: AbortSignal;
}

/** Whether the policy is to be told what a node added. */
export const wanted = (node: Node, { run, step }: StepContext): boolean => run.wants?.(node, step) ?? false;

/** Tells the policy what a node added, and frees that. */
export async function observe(site: Site, residual: Tensor, { run }: Pick<StepContext, 'run'>): Promise<void> {
  try {
    await run.observe?.(site, residual);
  } finally {
    release(residual);
  }
}

/** hidden plus the terms; an earlier residual as it is, or a weighted sum. */
export function addTerms(hidden: Tensor, terms: readonly Term[], arithmetic: Arithmetic): Promise<Tensor> {
  const [first] = terms;
  if (terms.length === 1 && first!.weight === 1) return arithmetic.add(hidden, first!.tensor);
  return arithmetic.combine([{ tensor: hidden, weight: 1 }, ...terms]);
}
