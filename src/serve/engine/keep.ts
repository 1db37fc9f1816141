/** The state of a run in its job's folder: kept while the run is long, and gone on from by the attempt after one that died. */
import { join } from 'node:path';
import { type ClipRecord, createRunState, keepPartial, openPartial, type RunState } from '../../api/run.ts';
import { QuantCacheError, type Runtime } from '../../index.ts';
import { runState } from '../folders.ts';
import type { EngineOptions, FromEngine } from './messages.ts';

interface KeepOptions {
  readonly runtime: Runtime;
  readonly options: Pick<EngineOptions, 'keepAfter'>;
  /** The job's folder. */
  readonly folder: string;
  /** What the run is. */
  readonly record: ClipRecord;
  readonly say: (message: FromEngine) => void;
}

/** Seconds after which a run counts as long. */
const defaultKeepAfter = 60;

/** There is no state, it is of another machine, version or choice of memory, or it was damaged. */
const beginsAnew: ReadonlySet<string> = new Set(['model_not_found', 'invalid_option', 'corrupt_file']);

/** The state to begin with; call `offer` where it can be saved. */
export async function keepRun({
  runtime,
  options: { keepAfter = defaultKeepAfter },
  folder,
  record,
  say,
}: KeepOptions): Promise<{ readonly state: RunState; offer(): Promise<void> }> {
  const path = join(folder, runState);
  const state = await openPartial(path, record, runtime).catch((error: unknown) => {
    if (error instanceof QuantCacheError && beginsAnew.has(error.code)) return createRunState();
    throw error;
  });
  const onFailure = ({ message }: QuantCacheError) => say({ type: 'warning', message });
  const { offer } = keepPartial({ path, record, state, runtime, after: keepAfter, onFailure });
  return { state, offer };
}
