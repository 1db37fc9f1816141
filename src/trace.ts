/** What was decided where: recorded at every node of every step, summarised as a table, kept as JSON. */
import type { Level, Node, Precision } from './model.ts';
import type { Action } from './policy.ts';

/** One decision. */
export interface Decision {
  readonly step: number;
  readonly path: string;
  readonly level: Level;
  readonly did: Action['do'];
  /** The precision computed in; for reuse and skip, the one that would have been. */
  readonly precision: Precision;
  /** Time spent at the node, its children included. */
  readonly milliseconds: number;
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
  measure(measurement: Measurement): void;
  record(event: { step: number; node: Node; did: Action['do']; precision: Precision; milliseconds: number }): void;
}

/** A new, empty trace. */
export function createTrace(): Trace {
  const decisions: Decision[] = [];
  const measurements: Measurement[] = [];
  return {
    decisions,
    measurements,
    measure(measurement) {
      measurements.push(measurement);
    },
    record({ node, ...event }) {
      decisions.push({ ...event, path: node.path, level: node.level });
    },
  };
}

/** Counts of what was done at one level of the tree. */
export interface LevelSummary {
  readonly level: Level;
  readonly compute: number;
  readonly reuse: number;
  readonly skip: number;
}

/** How many nodes were computed, reused and skipped at each level, outermost first. Nodes below a reused one do not count. */
export function summarize(trace: Trace): LevelSummary[] {
  const count = (level: Level, did: Action['do']) =>
    trace.decisions.filter((decision) => decision.level === level && decision.did === did).length;
  const levels: Level[] = ['step', 'segment', 'block', 'module'];
  return levels.map((level) => ({
    level,
    compute: count(level, 'compute'),
    reuse: count(level, 'reuse'),
    skip: count(level, 'skip'),
  }));
}
