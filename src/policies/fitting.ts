/** What policies with coefficients of a model's own are fitted to. */

/** How much whole steps changed in a full run. */
export interface StepChange {
  /** |x(s) - x(s-1)|_1 / |x(s-1)|_1 of the network's modulated input, absent where the model has none. */
  readonly input?: number;
  /** The same of the network's output. */
  readonly output: number;
  /** |r(s)| / |r(s-1)| of the whole step's residual, mean over tokens. */
  readonly magnitude: number;
}

/** Options of a policy from the changes of some runs, each from its second step on. */
export type Fit = (runs: readonly (readonly StepChange[])[]) => Record<string, unknown>;
