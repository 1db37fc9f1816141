/** What a policy decided at each step, in a sign and in a sentence: `##+..` and "3 of 5 steps computed". */
import type { GenerateEvent } from '../index.ts';

type StepEvent = Extract<GenerateEvent, { type: 'step' }>;

const signs = { computed: '#', 'partly computed': '+', reused: '.', skipped: '-' } as const;
type Outcome = keyof typeof signs;

export interface StepMarks {
  add(event: StepEvent): void;
  /** A sign per step, the latest where not all have room. */
  bar(): string;
  summary(): string;
}

/** Marks for steps to come; `columns` is the width of the terminal. */
export function createStepMarks(columns: number): StepMarks {
  const outcomes: Outcome[] = [];
  return {
    add: (event) => void outcomes.push(outcomeOf(event)),
    bar: () =>
      outcomes
        .slice(-Math.max(1, Math.floor(columns / 3)))
        .map((outcome) => signs[outcome])
        .join(''),
    summary() {
      const names = Object.keys(signs) as Outcome[];
      const counts = names.map((name) => [name, outcomes.filter((outcome) => outcome === name).length] as const);
      return counts.flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : [])).join(', ');
    },
  };
}

function outcomeOf({ decisions }: StepEvent): Outcome {
  const step = decisions.findLast(({ level }) => level === 'step');
  if (step?.did === 'reuse') return 'reused';
  if (step?.did === 'skip') return 'skipped';
  return decisions.every(({ did }) => did === 'compute') ? 'computed' : 'partly computed';
}
