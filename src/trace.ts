/** What was decided where: recorded at every node of every step. `trace/` summarises it, files it and draws it. */
import type { Level, Node, Precision } from './model.ts';
import { createRunState, type RunState } from './state.ts';

/** One decision. */
export interface Decision {
  readonly step: number;
  readonly path: string;
  readonly level: Level;
  readonly did: 'compute' | 'reuse' | 'skip';
  /** The precision computed in; for reuse and skip, the one that would have been. */
  readonly precision: Precision;
  /** Time spent at the node, its children included; absent inside of what ran as one graph, where nobody can tell. */
  readonly milliseconds?: number;
  /** All that is inside ran as one graph. */
  readonly whole?: true;
}

/** Numbers that a policy decided by, or that describe a step. */
export interface Measurement {
  readonly step: number;
  /** The node they belong to. */
  readonly path: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface Trace {
  readonly decisions: readonly Decision[];
  readonly measurements: readonly Measurement[];
  /** What the user was told, each message once. */
  readonly warnings: readonly string[];
  measure(measurement: Measurement): void;
  warn(message: string): void;
  record(event: Omit<Decision, 'path' | 'level'> & { readonly node: Node }): void;
}

/** A new, empty trace; or that of a run which goes on. */
export function createTrace(state: RunState = createRunState()): Trace {
  const trace = state.data('trace', {
    decisions: [] as Decision[],
    measurements: [] as Measurement[],
    warnings: [] as string[],
  });
  const { decisions, measurements, warnings } = trace;
  return {
    ...trace,
    measure(measurement) {
      measurements.push(measurement);
    },
    warn(message) {
      if (!warnings.includes(message)) warnings.push(message);
    },
    record({ node, ...event }) {
      decisions.push({ ...event, path: node.path, level: node.level });
    },
  };
}
