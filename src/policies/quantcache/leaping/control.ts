/**
 * The control of leaps: what a run has shown so far says how far it may leap next.
 *
 * Before a run, averages say what every leap will err by, e (`prediction.ts`), and how much of that
 * reaches the result, A. In it, the network's answer after each leap is held against the one expected. What it missed,
 * relative to what is missed on average, is how difficult this part of this clip is; at the first step, the strength of the
 * guidance says it:
 *
 *     r(s) = |answer - expected answer|^2 / mean of the same over clips
 *     error of a leap from step j >= s to t, as expected at s:   e(j, t) A(t) r(s)^(m^(j - s))       m = memory, below 1
 *
 * Difficulty says much about the next leap and little about later ones, which is what m stands for. All errors, those made
 * and those to come, share one budget that the quality asked for sets; the next step to compute is the first of the cheapest
 * path that keeps to it (`path.ts`). What cannot be saved any more is not chased: at least a quarter of what was spent is
 * allowed for the rest, which costs a decibel at most. Where a number of evaluations is given instead, the path of least error
 * with so many is followed. Our definition.
 */
import { type Averages, valueAt } from './averages.ts';
import { cheapestPath } from './path.ts';
import { type Combination, longestHistory, type Prediction, type Predictor } from './prediction.ts';

/** What is remembered from step to step; plain data. */
export interface Course {
  /** The last computed steps, the latest first. */
  history: number[];
  /** How many there were. */
  computed: number;
  /** The step to compute next. */
  next: number;
  /** What leaps have missed so far. */
  rest?: Combination;
  /** Squared error of the result from the leaps made so far, as they proved to be. */
  spent: number;
  /** The same of the leap that is under way, as expected. */
  open: number;
}

/** The course of a run that begins. */
export const newCourse = (): Course => ({ history: [], computed: 0, next: 0, spent: 0, open: 0 });

export interface ControlRequest {
  readonly predictor: Predictor;
  readonly averages: Averages;
  /** The noise level of each step, and 0 at the end. */
  readonly levels: readonly number[];
  /** Decibels of the finished clip against full computation. */
  readonly quality: number;
  /** Computed steps of the run, in place of a quality. */
  readonly evaluations?: number;
  /** How much of a difficulty is expected to last for a thirtieth of a run; 0 keeps to the averages. */
  readonly memory: number;
}

export interface Control {
  /** What the answer at a step should be; undefined at the first one, before anything is known. */
  expected(course: Course, step: number): Prediction | undefined;
  /**
   * After an answer: notes the step, chooses the next one and returns how difficult the clip is here, 1 for the average.
   * `missed` is the mean square of what the answer misses of the expected one; at the first step, that of its direction of
   * guidance.
   */
  observe(course: Course, step: number, missed: number, expected?: Prediction): number;
  /** The leap to the next step, after which `observe` is due. */
  leap(course: Course): Prediction;
  /** Decibels of the finished clip, estimated from all that was seen. */
  estimate(course: Course): number;
}

const decibels = (meanSquare: number): number => -10 * Math.log10(meanSquare);
/** The fewest computed steps that a run may be given. */
export const fewestEvaluations = 3;
/** A leap stands for at most this share of a run, or one so few evaluations need. */
const longestShare = 1 / fewestEvaluations;
/** What is allowed for the rest of a run that has spent its budget, as a share of what was spent. */
const allowance = 1 / 4;
/** The steps of a run that `memory` is meant for. */
const referenceSteps = 30;

/** Control of one run. */
export function createControl({ predictor, averages, levels, quality, evaluations, memory }: ControlRequest): Control {
  const numSteps = levels.length - 1;
  const longest = Math.max(1, Math.round(numSteps * longestShare), Math.ceil(numSteps / (evaluations ?? numSteps)));
  const whole = 10 ** ((averages.decibels - quality) / 10);
  const budget = ({ spent }: Course) => (evaluations ? 0 : Math.max(whole - spent, allowance * spent));
  const at = (values: readonly number[]) => levels.map((level) => valueAt(averages.levels, values, level));
  const amplification = at(averages.amplification);
  const surprise = at(averages.surprise);
  const errorOf = (from: number, to: number) => (to === from + 1 ? 0 : predictor.error(from, to) * amplification[to]!);
  return {
    expected: ({ history }, step) => (history.length > 0 ? predictor.answer(history, step) : undefined),
    observe(course, step, missed, expected) {
      const usual = expected ? expected.meanSquare : predictor.strength(step);
      const difficulty = missed / (usual * surprise[step]!);
      course.spent += course.open * (memory > 0 ? difficulty : 1);
      course.history = [step, ...course.history].slice(0, longestHistory);
      course.computed++;
      course.open = 0;
      course.next = step + 1;
      if (!Number.isFinite(difficulty) || !(difficulty > 0)) return difficulty; // where an estimate is missing, nothing is leapt over
      const lasting = (from: number) =>
        memory > 0 ? difficulty ** (memory ** (((from - step) * referenceSteps) / numSteps)) : 1;
      const { next } = cheapestPath({
        numSteps,
        from: step,
        longest,
        budget: budget(course),
        most: evaluations && Math.max(0, evaluations - course.computed),
        error: (from, to) => errorOf(from, to) * lasting(from),
      });
      course.next = next;
      course.open = errorOf(step, next);
      return difficulty;
    },
    leap: ({ history, next, rest }) => predictor.leap(history, next, rest),
    estimate: ({ spent, open }) => averages.decibels + decibels(spent + open),
  };
}
