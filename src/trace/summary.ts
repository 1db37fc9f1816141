/**
 * What a run did, in numbers: how many nodes of each level were computed, reused and skipped, in which precision, and what
 * share of the operations and of the time of a full run that is.
 *
 * Time is known of modules, of nodes that ran as one graph, and of other graphs of several modules, which are shared out by
 * operations. What never ran has none: it counts as nothing saved.
 */
import type { Level, Precision } from '../model.ts';
import type { Decision, Trace } from '../trace.ts';

/** Counts of what was done at one level of the tree. Nodes below a reused or skipped one do not count. */
export interface LevelSummary {
  readonly level: Level;
  readonly compute: number;
  readonly reuse: number;
  readonly skip: number;
}

export interface TraceSummary {
  /** Steps of the run, of all loops together. */
  readonly steps: number;
  /** Outermost first. */
  readonly levels: readonly LevelSummary[];
  /** Share of the computed modules in each precision, weighted by operations where they are known. */
  readonly precisions: Readonly<Partial<Record<Precision, number>>>;
  /** Operations done and those of a full run; absent where costs are not known. */
  readonly flops?: { readonly computed: number; readonly full: number };
  readonly time: {
    /** Spent in the tree, decisions and statistics included, milliseconds. */
    readonly spent: number;
    /** Of that, outside of modules and whole graphs: deciding, comparing, adding residuals. */
    readonly overhead: number;
    /** What modules and graphs would have taken where they were not computed, from the mean of those that were; milliseconds. */
    readonly saved: number;
  };
  /** The most that was held at the end of a step, in bytes. */
  readonly heldBytes: number;
  /** Decibels against full computation, as a run that leaps estimates them; of several loops, of the last. */
  readonly quality?: number;
}

/** Operations of one run of each module of the model, by path. */
export type ModuleFlops = ReadonlyMap<string, number>;

/** What a trace amounts to. */
export function summarize(trace: Pick<Trace, 'decisions' | 'measurements'>, flops?: ModuleFlops): TraceSummary {
  const { decisions, measurements } = trace;
  const of = (level: Level) => decisions.filter((decision) => decision.level === level);
  const steps = of('step').length;
  const computed = of('module').filter(({ did }) => did === 'compute');
  const levels: Level[] = ['step', 'segment', 'block', 'module'];
  const spent = sum(of('step').map(milliseconds));
  const timed = decisions.filter(({ level, did, whole }) => did === 'compute' && (level === 'module' || whole));
  const inGraphs = sum(measurements.map(({ values }) => values.graphMilliseconds ?? 0));
  const computing = sum(timed.map(milliseconds)) + inGraphs;
  const operations = flops && {
    computed: sum(computed.map(({ path }) => flops.get(path) ?? 0)),
    full: steps * sum([...flops.values()]),
  };
  const saving = operations && operations.computed > 0 ? operations.full / operations.computed : 1;
  const estimate = measurements.findLast(({ values }) => values.quality !== undefined)?.values.quality;
  return {
    steps,
    levels: levels.map((level) => countsOf(level, of(level))),
    precisions: sharesOf(computed, flops),
    flops: operations,
    time: {
      spent,
      overhead: spent - computing,
      saved: inGraphs > 0 ? inGraphs * (saving - 1) : timeSaved(timed, steps),
    },
    // Not spread over arguments: a long run has more measurements than a call takes.
    heldBytes: measurements.reduce((most, { values }) => Math.max(most, values.heldBytes ?? 0), 0),
    ...(estimate !== undefined && { quality: estimate }),
  };
}

function countsOf(level: Level, decisions: readonly Decision[]): LevelSummary {
  const count = (did: Decision['did']) => decisions.filter((decision) => decision.did === did).length;
  return { level, compute: count('compute'), reuse: count('reuse'), skip: count('skip') };
}

function sharesOf(computed: readonly Decision[], flops?: ModuleFlops): TraceSummary['precisions'] {
  const weight = ({ path }: Decision) => (flops ? (flops.get(path) ?? 0) : 1);
  const shares: Partial<Record<Precision, number>> = {};
  const total = sum(computed.map(weight));
  for (const decision of computed)
    shares[decision.precision] = (shares[decision.precision] ?? 0) + weight(decision) / total;
  return shares;
}

/** Mean time of each module or graph times the steps without it; its first run also compiles and does not count. */
function timeSaved(timed: readonly Decision[], steps: number): number {
  const times = new Map<string, number[]>();
  for (const { path, milliseconds } of timed)
    if (milliseconds !== undefined) times.set(path, [...(times.get(path) ?? []), milliseconds]);
  return sum(
    [...times.values()].map((all) => {
      const warm = all.length > 1 ? all.slice(1) : all;
      return (sum(warm) / warm.length) * (steps - all.length);
    }),
  );
}

const milliseconds = (decision: Decision): number => decision.milliseconds ?? 0;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The summary as lines of text. */
export function summaryLines({ steps, levels, precisions, flops, time, heldBytes, quality }: TraceSummary): string[] {
  const percent = (part: number, whole = 1) => `${(whole > 0 ? (part / whole) * 100 : 0).toFixed(1)} %`;
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  const counted = levels.filter(
    ({ level, compute, reuse, skip }) => level !== 'segment' || reuse + skip > 0 || compute > steps,
  );
  const shares = Object.entries(precisions).map(([precision, share]) => `${precision} ${percent(share)}`);
  return [
    ['level', 'computed', 'reused', 'skipped'],
    ...counted.map(({ level, compute, reuse, skip }) => [level, compute, reuse, skip].map(String)),
  ]
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(8) : cell.padStart(9))).join(''))
    .concat(
      [
        `precision: ${shares.join(', ') || 'nothing computed'}`,
        flops && `operations: ${percent(flops.computed, flops.full)} of ${(flops.full / 1e12).toFixed(2)} T`,
        `time: ${seconds(time.spent)} in the network (${percent(time.overhead, time.spent)} outside of modules), about ${seconds(time.saved)} saved`,
        quality !== undefined &&
          `quality: about ${Math.round(quality)} dB of full computation, by the run's own estimate`,
        heldBytes > 0 && `held: ${(heldBytes / 2 ** 20).toFixed(1)} MB`,
      ].filter((line) => typeof line === 'string'),
    );
}
