/** A trace as a grid: what was done at each step to each module, and why. Nothing here draws. */
import type { TraceDocument } from '../../../../src/trace/document.ts';

export type Decision = TraceDocument['decisions'][number];

/** A row of the map: a module of the network, or the step as a whole. */
export interface Row {
  readonly path: string;
  readonly name: string;
  /** The block it is part of; rows of a block stand together. */
  readonly block: string;
  /** From the row's own node up to the root. */
  readonly paths: readonly string[];
}

export interface Cell {
  /** The innermost decision that says what was done here. */
  readonly decision?: Decision;
  readonly fill: Fill;
}

/** What a cell looks like: a precision that it was computed in, the level that was reused, skipped, or nothing known. */
export type Fill = Decision['precision'] | `reused-${Decision['level']}` | 'skipped' | 'unknown';

export interface Grid {
  readonly rows: readonly Row[];
  /** `cells[row][step]`; several loops follow each other. */
  readonly cells: readonly (readonly Cell[])[];
  readonly numSteps: number;
}

/** Reads a trace. */
export function gridOf(trace: TraceDocument): Grid {
  const steps = stepsOf(trace);
  const rows = rowsOf(trace);
  return {
    rows,
    cells: rows.map(({ paths }) => steps.map((decisions) => cellOf(decisions, paths))),
    numSteps: steps.length,
  };
}

/** What was decided in each step, by path; a step's own decision is its last. */
function stepsOf({ decisions }: TraceDocument): Map<string, Decision>[] {
  const steps: Map<string, Decision>[] = [];
  let current = new Map<string, Decision>();
  for (const decision of decisions) {
    current.set(decision.path, decision);
    if (decision.level !== 'step') continue;
    steps.push(current);
    current = new Map();
  }
  return steps;
}

function rowsOf({ blocks, decisions }: TraceDocument): Row[] {
  const outer = (level: Decision['level']) => [
    ...new Set(decisions.filter((decision) => decision.level === level).map(({ path }) => path)),
  ];
  const above = [...outer('segment'), ...outer('step')];
  const whole: Row = { path: 'step', name: 'whole step', block: '', paths: outer('step') };
  const modules = blocks.flatMap(({ path, modules }) =>
    modules.map((module) => ({
      path: module.path,
      name: `${path} ${module.kind}`,
      block: path,
      paths: [module.path, path, ...above],
    })),
  );
  return [whole, ...modules];
}

function cellOf(decisions: ReadonlyMap<string, Decision>, paths: readonly string[]): Cell {
  const known = paths.flatMap((path) => decisions.get(path) ?? []);
  const decision = known.find(({ did }, i) => i === 0 || did !== 'compute');
  return { decision, fill: decision ? fillOf(decision) : 'unknown' };
}

function fillOf({ did, precision, level }: Decision): Fill {
  if (did === 'compute') return precision;
  return did === 'skip' ? 'skipped' : `reused-${level}`;
}
