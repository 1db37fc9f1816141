/**
 * What a run decided, done again on another model: which steps are computed, in which precision. What an adaptive policy
 * decides on random weights means nothing; what its decisions cost there does. Leaps hold the last velocity, because the weights of
 * those that were taken are those of the model that they were made for.
 */
import { optionsOf } from '../api/calibration.ts';
import type { TraceDocument } from '../api/trace.ts';
import { type Precision, QuantCacheError } from '../index.ts';

/** What is replayed. */
export interface Replay {
  readonly numSteps: number;
  readonly computed: readonly number[];
  readonly precision: Precision;
  /** Options of `quantcache` that decide so. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Throws `invalid_option` for decisions within steps, which other trees of blocks do not have. `name` is what messages call it. */
export function replayOf(document: TraceDocument, guidanceScale: number, name: string): Replay {
  const { numSteps, decisions } = document;
  const computed = decisions.flatMap(({ level, did, step }) => (level === 'step' && did === 'compute' ? [step] : []));
  const within = decisions.find(({ level, did }) => level !== 'step' && did !== 'compute');
  if (within)
    throw refuse(name, `${within.path} is not computed at step ${within.step}, and only whole steps can be replayed`);
  const precisions = [...new Set(decisions.filter(({ level }) => level === 'module').map((one) => one.precision))];
  const [precision] = precisions;
  if (precision === undefined || precisions.length > 1)
    throw refuse(name, `its modules have ${precisions.join(' and ') || 'no'} precisions, and one can be replayed`);
  const held = guidanceScale > 1 ? [guidanceScale, 1 - guidanceScale] : [1];
  const plan = computed.map((step, i) => {
    const leaps = (computed[i + 1] ?? numSteps) > step + 1;
    return { step, latents: 1, outputs: leaps ? [held] : [] };
  });
  const options = optionsOf([{ numSteps, precision, pruning: 0, outer: { plan } }]);
  return { numSteps, computed, precision, options };
}

const refuse = (name: string, reason: string) =>
  new QuantCacheError('invalid_option', `${name} cannot be replayed: ${reason}. Give a trace of leaps.`);
