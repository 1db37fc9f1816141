/** The common part of policies whose plan does not depend on what is computed: some steps compute, the others predict. */
import type { Level, Node } from '../model.ts';
import { predict, type Run, type RunContext } from '../policy.ts';
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
