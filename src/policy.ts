/**
 * The whole acceleration interface: one question, asked of every node of the model's tree, outermost first.
 *
 * A policy is stateless; `begin` makes what one generation needs, which is dropped with it. Nothing is ever reset. What
 * lasts from step to step is kept in `RunContext.state`.
 */
import { innermost, type Level, type Node, type Precision, type Signal } from './model.ts';
import type { Arithmetic, Term } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { RunState } from './state.ts';
import type { Measurement } from './trace.ts';

/**
 * What to do at a node. `reuse` adds a residual seen earlier, or one predicted from several as their weighted sum; its
 * tensors are borrowed until the action is done. `skip` adds nothing.
 */
export type Action =
  | { readonly do: 'compute'; readonly precision?: Precision }
  | { readonly do: 'reuse'; readonly terms: readonly Term[] }
  | { readonly do: 'skip' };

export const compute = (precision?: Precision): Action => ({ do: 'compute', precision });
/** Adds an earlier residual again. */
export const reuse = (residual: Tensor): Action => ({ do: 'reuse', terms: [{ tensor: residual, weight: 1 }] });
/** Adds a residual predicted from earlier ones: their weighted sum. */
export const predict = (terms: readonly Term[]): Action => ({ do: 'reuse', terms });
export const skip: Action = { do: 'skip' };

/** The node in question, at one step. */
export interface Site {
  readonly node: Node;
  /** 0 for the first, noisiest step. */
  readonly step: number;
  /** The model's timestep, 1000 for noise, falling to 0. */
  readonly timestep: number;
  /**
   * The hidden state before the node, `[batch, frames, tokens, width]`; borrowed for the duration of the call. Where
   * decisions are foreseen (`Run.foreseen`), that before the step.
   */
  readonly hidden: Tensor;
  /** A named tensor of this step, borrowed until the step ends; `retain` it to keep it. */
  signal(name: Signal): Promise<Tensor>;
}

/** One finished step, its tensors borrowed for the duration of the call. */
export interface StepOutcome {
  readonly step: number;
  /** What the network was given, `[prompts, channels, frames, height, width]`. */
  readonly latents: Tensor;
  /** What it answered; with guidance a batch twice as large, and perhaps more channels. */
  readonly output: Tensor;
}

/**
 * The latents of a later step without asking the network: a weighted sum of latents and outputs of steps before. It is what
 * `reuse` is, one level further out: a step's whole effect. Tensors are borrowed until the leap is done.
 */
export interface Leap {
  /** How many steps it stands for, 1 or more. */
  readonly steps: number;
  readonly latents: Term;
  /** Outputs of the network, each with one weight per part of the batch: conditional and unconditional, or all. */
  readonly outputs: readonly { readonly tensor: Tensor; readonly weights: readonly number[] }[];
}

/** What a policy knows when a generation begins. */
export interface RunContext {
  readonly numSteps: number;
  /** The latents that a leap leads to; absent where the sampler takes none, as where some frames are given. */
  leap?(leap: Leap): Promise<Tensor>;
  /** How far the conditional answer is pushed from the unconditional one; 1 or less is no guidance. */
  readonly guidanceScale: number;
  readonly timesteps: readonly number[];
  readonly tree: Node;
  /** Comparisons and sums of tensors, computed where the tensors are. */
  readonly arithmetic: Arithmetic;
  /** Where everything is kept that lasts from one step to the next, so that the run can be saved and gone on with. */
  readonly state: RunState;
  /** Notes numbers in the trace. */
  measure(measurement: Measurement): void;
  /** Tells the user something; the same message is told once per run. */
  warn(message: string): void;
}

/** One generation's state. */
export interface Run {
  /** Asked before each step, where leaps can be taken: the latents after some steps, or `undefined` to take this one. */
  leap?(step: number): Leap | undefined;
  /**
   * The innermost level that it decides about or observes; `module` where absent. What is inside may run as one graph, which
   * is faster.
   */
  readonly finest?: Level;
  /**
   * Whether what it decides at a step follows from the node, the step and the steps before. It is then asked about all of a
   * step before any of it runs, and what is left to compute runs as one graph where the network has it.
   */
  readonly foreseen?: boolean;
  /** What to do at this node; `undefined` is no opinion. */
  decide(site: Site): Action | undefined | Promise<Action | undefined>;
  /** Whether `observe` is to be told this node's residual at a step, which costs memory and, above modules, a subtraction. */
  wants?(node: Node, step: number): boolean;
  /** Told what a computed node just added. The residual is borrowed for the duration of the call; `retain` it to keep it. */
  observe?(site: Site, residual: Tensor): void | Promise<void>;
  /** Told what the network answered, at every step that was not leapt over. */
  observeOutput?(outcome: StepOutcome): void | Promise<void>;
  /** Size of the tensors held at the moment, in bytes. */
  heldBytes?(): number;
  /** Frees what is held. */
  dispose?(): void;
}

export interface Policy {
  readonly name: string;
  /** Whether it decides by what a clip does: the clips of a batch then run apart, so that none depends on its neighbours. */
  readonly apart?: boolean;
  /** Where the list of blocks is cut into segments, as block numbers. */
  cuts?(numBlocks: number): readonly number[];
  begin(context: RunContext): Run;
}

/**
 * Asks several policies in order: the first opinion that is not to compute wins, the first precision named fills in.
 * At most one of them may cut the blocks into segments, because those that do know theirs by number.
 */
export function stack(name: string, ...policies: readonly Policy[]): Policy {
  return {
    name,
    apart: policies.some(({ apart }) => apart),
    cuts: (numBlocks) =>
      [...new Set(policies.flatMap((policy) => policy.cuts?.(numBlocks) ?? []))].sort((a, b) => a - b),
    begin(context) {
      const runs = policies.map((policy, i) => policy.begin({ ...context, state: context.state.part(`${i}`) }));
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
        leap(step) {
          for (const run of runs) {
            const leap = run.leap?.(step);
            if (leap) return leap;
          }
          return undefined;
        },
        finest: innermost(runs.map(({ finest = 'module' }) => finest)),
        foreseen: runs.every(({ foreseen }) => foreseen),
        wants: (node, step) => runs.some((run) => run.wants?.(node, step)),
        async observe(site, residual) {
          for (const run of runs) if (run.wants?.(site.node, site.step)) await run.observe?.(site, residual);
        },
        async observeOutput(outcome) {
          for (const run of runs) await run.observeOutput?.(outcome);
        },
        heldBytes: () => runs.reduce((bytes, run) => bytes + (run.heldBytes?.() ?? 0), 0),
        dispose() {
          for (const run of runs) run.dispose?.();
        },
      };
    },
  };
}
