/** The steps of a run as a row of bars: full where the network ran, low where an earlier result was used. */
import type { StepKind } from '../../../src/serve/api.ts';

export interface StripProps {
  /** What was done so far; a step that is missing is not known yet. */
  readonly steps: readonly (StepKind | undefined)[];
  readonly count: number;
  /** Whether the run goes on: the next step pulses. */
  readonly running?: boolean;
}

export function Strip({ steps, count, running = false }: StripProps) {
  const done = Array.from({ length: count }, (_, step) => steps[step]);
  const next = running ? steps.length : -1;
  return (
    <div class="strip" role="img" aria-label={sayingOf(steps, count)}>
      {done.map((kind, step) => (
        <i key={step} data-did={kind ?? (step === next ? 'next' : 'open')} />
      ))}
    </div>
  );
}

/** In words. */
export function sayingOf(steps: StripProps['steps'], count: number): string {
  const of = (kind: StepKind) => steps.filter((did) => did === kind).length;
  const partly = of('partly');
  const words = [`${of('computed')} computed`, partly > 0 && `${partly} partly`, `${of('reused')} reused`];
  return `${steps.length} of ${count} steps done: ${words.filter(Boolean).join(', ')}`;
}
