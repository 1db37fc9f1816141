/** Runs that keep their state beside the file that they write, and runs that go on from it. */
import { type ClipRecord, createRunState, keepPartial, openPartial, removePartial } from '../api/run.ts';
import { messageOf } from '../errors.ts';
import { isThere } from '../files/read.ts';
import type { Runtime } from '../index.ts';
import type { Progress } from './progress.ts';

interface KeepOptions {
  /** Where the state lies. */
  readonly path: string;
  /** What the run is. */
  readonly record: ClipRecord;
  readonly runtime: Runtime;
  readonly resume?: boolean;
  /** Seconds after which a run is long enough to keep. */
  readonly keepAfter: number;
  readonly progress: Pick<Progress, 'note'>;
}

/** The state of a run that begins, or with `resume` of the one that was stopped. Throws what opening that throws. */
export async function keepRun({ path, record, runtime, resume, keepAfter, progress }: KeepOptions) {
  const state = resume ? await openPartial(path, record, runtime) : createRunState();
  if (!resume && (await isThere(path)))
    progress.note(`${path} is of a run that was stopped; --resume would go on with it. This one begins anew.`);
  const kept = keepPartial({
    ...{ path, record, state, runtime },
    after: keepAfter,
    onFailure: ({ message }) => progress.note(`warning: ${message} The run goes on, and cannot be resumed.`),
  });
  return {
    state,
    /** Call it where the run can be saved. */
    offer: kept.offer,
    /** Says where a run that failed or was stopped can be gone on with. */
    tell(): void {
      if (resume || kept.isKept)
        progress.note(`${path} has the run so far; the same command with --resume goes on from it.`);
    },
    /** Removes the state of a run that came to its end, or of one that it stands for. What stays there stops no run. */
    remove: () => removePartial(path).catch((error: unknown) => progress.note(`warning: ${messageOf(error)}`)),
  };
}
