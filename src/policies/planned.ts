/** The common parts of policies whose plan does not depend on what is computed: some steps compute, the others predict or reuse. */
import type { Level, Node } from '../model.ts';
import { predict, type Run, type RunContext, reuse } from '../policy.ts';
import { residualHistory } from './history.ts';

/** What is computed when. */
export interface Plan {
  /** The level of what is covered. */
  readonly level: Level;
  /** The nodes whose residual is kept and predicted; none of them may be inside another. */
  covers(node: Node): boolean;
  /** Whether the nodes covered are computed at a step. */
  computes(step: number): boolean;
  /** 0 holds the last residual, 1 and more extrapolate; see `history.ts`. */
  readonly order: number;
}

/** A run that follows a plan. A node that was never computed is computed whatever the plan says. */
export function plannedRun({ state }: RunContext, { level, covers, computes, order }: Plan): Run {
  const history = residualHistory(state, order);
  return {
    finest: level,
    foreseen: true,
    decide({ node, step }) {
      if (!covers(node) || computes(step)) return undefined;
      const terms = history.predict(node.path, step);
      return terms && predict(terms);
    },
    wants: covers,
    observe: ({ node, step }, residual) => history.observe(node.path, step, residual),
    heldBytes: history.bytes,
    dispose: history.dispose,
  };
}

/**
 * A run that adds the last residual of a node again at the steps that `reused` names, and holds what the next step reuses. A node
 * that was never computed is computed whatever `reused` says.
 */
export function reusingRun({ state }: RunContext, reused: (node: Node, step: number) => boolean): Run {
  const kept = state.tensors('residuals');
  return {
    foreseen: true,
    decide({ node, step }) {
      const residual = reused(node, step) ? kept.get(node.path) : undefined;
      if (!residual) kept.drop(node.path);
      return residual && reuse(residual);
    },
    wants: (node, step) => reused(node, step + 1),
    observe: ({ node }, residual) => kept.keep(node.path, residual),
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}
