/** What was done at each step of a run, in one word. */
import type { Decision } from '../../api/trace.ts';
import type { StepKind } from '../api.ts';

/** The kinds of the steps that decisions are about, in the order in which they ended; all loops follow each other. */
export function stepKinds(decisions: readonly Pick<Decision, 'level' | 'did'>[]): StepKind[] {
  const kinds: StepKind[] = [];
  let computed = false;
  let saved = false;
  for (const { level, did } of decisions) {
    if (level !== 'step') {
      // A node that was gone into counts as computed itself; what counts is where nothing was gone into any more.
      if (did === 'compute') computed ||= level === 'module';
      else saved = true;
      continue;
    }
    if (did !== 'compute') kinds.push('reused');
    else kinds.push(saved ? (computed ? 'partly' : 'reused') : 'computed');
    computed = false;
    saved = false;
  }
  return kinds;
}
