/**
 * How far a run is, in shares of its time. Steps that are leapt over take none of it, so their number says little: what says
 * it is the last run of the same kind, whose times at every event are kept. The first run of a kind is guessed by its steps.
 */
import type { Progress } from './api.ts';
import type { JobRequest } from './job.ts';

/** Where in a run an event comes, and the milliseconds that it took until there. */
type Marks = Map<string, number>;

interface Known {
  readonly marks: Marks;
  readonly total: number;
}

/** An event of a run as the engine tells it. */
export interface PaceEvent {
  readonly stage: Progress['stage'];
  readonly done: number;
  readonly total: number;
}

export interface PaceOfRun {
  /** The share that is done, in whole percent below 100, and the seconds that are left, if that can be told. */
  at(event: PaceEvent): { readonly progress: number; readonly etaSeconds: number | null };
  /** The run ended well; the next of its kind will be told by it. */
  end(): void;
}

export interface Pace {
  begin(request: JobRequest): PaceOfRun;
}

/** The share of a run's time that a stage begins at and how much it takes, where nothing is known yet. */
const guesses: Readonly<Record<Progress['stage'], readonly [start: number, share: number]>> = {
  text: [0, 0.02],
  reference: [0.02, 0.03],
  denoise: [0.05, 0.75],
  decode: [0.8, 0.15],
  save: [0.95, 0.05],
};

/** Kinds of runs that are remembered. */
const mostKinds = 100;

export function createPace(now: () => number = () => performance.now()): Pace {
  const kinds = new Map<string, Known>();
  return {
    begin(request) {
      const kind = kindOf(request);
      const known = kinds.get(kind);
      const began = now();
      const marks: Marks = new Map();
      let highest = 0;
      return {
        at(event) {
          const elapsed = now() - began;
          const place = placeOf(event);
          marks.set(place, elapsed);
          const before = known?.marks.get(place);
          const share = known && before !== undefined ? before / known.total : guess(event);
          highest = Math.max(highest, Math.min(0.99, share));
          const left =
            known && before !== undefined ? known.total - before : highest > 0 ? elapsed / highest - elapsed : null;
          return {
            progress: Math.floor(100 * highest),
            etaSeconds: left === null ? null : Math.round(left / 100) / 10,
          };
        },
        end() {
          kinds.delete(kind); // the newest are the last
          kinds.set(kind, { marks, total: now() - began });
          if (kinds.size > mostKinds) kinds.delete(kinds.keys().next().value!);
        },
      };
    },
  };
}

const placeOf = ({ stage, done }: PaceEvent): string => `${stage} ${done}`;

function guess({ stage, done, total }: PaceEvent): number {
  const [start, share] = guesses[stage];
  return start + share * (total > 0 ? done / total : 0);
}

/** Equal for runs that take equally long. */
function kindOf({ run: { prompts: _, seed: __, image, ...run }, outputFormat }: JobRequest): string {
  return JSON.stringify([run, image !== undefined, outputFormat]);
}
