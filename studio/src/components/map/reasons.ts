/** Why a cell of the map is as it is, in sentences: what was done, and the numbers that the policy decided by. */
import type { TraceDocument } from '../../../../src/trace/document.ts';
import type { Cell, Grid, Row } from './grid.ts';

/** What a policy was told, where it is known: thresholds, plans. */
export type PolicyOptions = Readonly<Record<string, unknown>>;

export interface Reason {
  readonly what: string;
  readonly why: readonly string[];
}

/** What a policy's measured numbers are called. Others are shown by their own names. */
const words: Record<string, string> = {
  change: 'relative change',
  sum: 'change added up since the last computed step',
  rate: 'change per step',
  motion: 'motion of the residual',
  nextRate: 'steps that it may now be reused for',
  average: 'average change',
  drift: 'drift of the magnitude since the last computed step',
  error: 'error added up',
  divergence: 'divergence from the residual before',
  aggregate: 'divergence of all that was watched',
  due: 'steps until it is due',
  similarity: 'similarity to the block before',
  contribution: 'share of the hidden state that it adds',
  next: 'the next step that is computed',
  difficulty: 'how hard the clip is, beside the average one',
  quality: 'decibels against full computation, as estimated so far',
};

/** Not a reason, but what deciding costs. */
const bookkeeping = new Set(['heldBytes']);

/** What policies hold against their threshold: the first of these that they measure. */
const heldAgainstThreshold = ['sum', 'error', 'change'];

/** Explains one cell. */
export function reasonOf(
  trace: TraceDocument,
  { rows, cells }: Grid,
  at: { readonly row: number; readonly step: number },
  options: PolicyOptions = {},
): Reason {
  const row = rows[at.row]!;
  const { decision } = cells[at.row]![at.step]!;
  if (!decision) return { what: 'Nothing was decided here.', why: [] };
  const from = cells[at.row]!.slice(0, at.step).findLastIndex((cell) => cell.decision?.did === 'compute');
  const numbers = measured(trace, row, at.step, options);
  const planned = planOf(trace, decision.did, at.step, options);
  const ahead =
    decision.level === 'step' && decision.did === 'reuse' && planned.length === 0 ? [nextOf(cells[0]!, at.step)] : [];
  return { what: whatOf(decision, from), why: [...planned, ...ahead, ...numbers] };
}

function whatOf(
  { did, level, precision, milliseconds, whole }: NonNullable<Grid['cells'][0][0]['decision']>,
  from: number,
) {
  const time =
    milliseconds === undefined ? '' : ` in ${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms`;
  if (did === 'compute') return `Computed in ${precision}${time}${whole ? ', as one graph' : ''}.`;
  const source = from < 0 ? '' : ` from step ${from}`;
  if (did === 'skip') return `The ${level} was skipped.`;
  return level === 'step' ? `The whole step was leapt over${source}.` : `The ${level}’s residual was reused${source}.`;
}

/** How far a leap goes, by what was done. */
function nextOf(wholeSteps: readonly Cell[], step: number): string {
  const next = wholeSteps.findIndex(({ decision }, i) => i > step && decision?.did === 'compute');
  return next < 0 ? 'Nothing is computed any more.' : `Nothing is computed until step ${next}.`;
}

/** What a plan says of a step; plans list the steps to compute, and all between them are leapt over. */
function planOf({ numSteps, policy }: TraceDocument, did: string, step: number, { hlc }: PolicyOptions): string[] {
  if (policy === 'full') return ['“full” computes everything.'];
  const plans = (hlc as { plans?: Record<string, readonly { step: number }[]> } | undefined)?.plans;
  const plan = plans?.[numSteps]?.map((entry) => entry.step);
  if (!plan) return [];
  const place = plan.indexOf(step % numSteps);
  if (did === 'compute' && place >= 0)
    return [`Step ${place + 1} of the ${plan.length} that the profile’s plan computes.`];
  const next = plan.find((planned) => planned > step);
  const until = next === undefined ? 'the end' : `step ${next}`;
  return did === 'compute' ? [] : [`The profile’s plan computes nothing until ${until}: a fitted leap goes there.`];
}

function measured({ measurements }: TraceDocument, { paths }: Row, step: number, options: PolicyOptions): string[] {
  return measurements
    .filter((measurement) => measurement.step === step && paths.includes(measurement.path))
    .flatMap(({ values }) => {
      const compared = heldAgainstThreshold.find((name) => name in values);
      return (
        Object.entries(values)
          // JSON has no NaN: what could not be measured is null there.
          .filter(([name, value]) => !bookkeeping.has(name) && Number.isFinite(value))
          .map(([name, value]) => sentenceOf(name, value, limitOf(name, name === compared, options)))
      );
    });
}

const sentenceOf = (name: string, value: number, limit: string): string =>
  `${words[name] ?? name}: ${Number.isInteger(value) ? value : value.toPrecision(3)}${limit}`;

/** What a measured number was held against, where that is known. */
function limitOf(name: string, isCompared: boolean, { threshold, hlc }: PolicyOptions): string {
  if (isCompared && typeof threshold === 'number') return `, threshold ${threshold}`;
  const aim = (hlc as { leaps?: { quality?: unknown } } | undefined)?.leaps?.quality;
  return name === 'quality' && typeof aim === 'number' ? `, aims at ${aim}` : '';
}
