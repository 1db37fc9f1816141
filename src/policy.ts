/**
 * The whole acceleration interface: one question, asked of every node of the model's tree, outermost first.
 *
 * A policy is stateless; `begin` makes the state of one generation, which is dropped with it. Nothing is ever reset.
 */
import type { Node, Precision } from './model.ts';
import type { Arithmetic } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';

/** What to do at a node. `reuse` adds a residual computed or predicted earlier; `skip` adds nothing. */
export type Action =
  | { readonly do: 'compute'; readonly precision?: Precision }
  | { readonly do: 'reuse'; readonly residual: Tensor }
  | { readonly do: 'skip' };

export const compute = (precision?: Precision): Action => ({ do: 'compute', precision });
export const reuse = (residual: Tensor): Action => ({ do: 'reuse', residual });
export const skip: Action = { do: 'skip' };

/** The node in question, at one step. */
export interface Site {
  readonly node: Node;
  /** 0 for the first, noisiest step. */
  readonly step: number;
  /** The model's timestep, 1000 for noise, falling to 0. */
  readonly timestep: number;
  /** The hidden state before the node, `[batch, frames, tokens, width]`; borrowed for the duration of the call. */
  readonly hidden: Tensor;
}

/** What a policy knows when a generation begins. */
export interface RunContext {
  readonly numSteps: number;
  readonly timesteps: readonly number[];
  readonly tree: Node;
  /** Comparisons and sums of tensors, computed where the tensors are. */
  readonly arithmetic: Arithmetic;
}

/** One generation's state. */
export interface Run {
  /** What to do at this node; `undefined` is no opinion. */
  decide(site: Site): Action | undefined | Promise<Action | undefined>;
  /** Whether `observe` is to be told this node's residual, which costs memory and, above modules, a subtraction. */
  wants?(node: Node): boolean;
  /** Told what a computed node just added. The residual is the policy's from now on. */
  observe?(site: Site, residual: Tensor): void | Promise<void>;
  /** Frees what is held. */
  dispose?(): void;
}

export interface Policy {
  readonly name: string;
  /** Where the list of blocks is cut into segments, as block numbers. */
  cuts?(numBlocks: number): readonly number[];
  begin(context: RunContext): Run;
}

/** Asks several policies in order: the first opinion that is not to compute wins, the first precision named fills in. */
export function stack(name: string, ...policies: readonly Policy[]): Policy {
  return {
    name,
    cuts: (numBlocks) =>
      [...new Set(policies.flatMap((policy) => policy.cuts?.(numBlocks) ?? []))].sort((a, b) => a - b),
    begin(context) {
      const runs = policies.map((policy) => policy.begin(context));
      return {
        async decide(site) {
          let precision: Precision | undefined;
          for (const run of runs) {
            const action = await run.decide(site);
            if (action && action.do !== 'compute') return action;
            precision ??= action?.precision;
          }
          return compute(precision);
        },
        wants: (node) => runs.some((run) => run.wants?.(node)),
        async observe(site, residual) {
          for (const run of runs) if (run.wants?.(site.node)) await run.observe?.(site, residual);
        },
        dispose() {
          for (const run of runs) run.dispose?.();
        },
      };
    },
  };
}
