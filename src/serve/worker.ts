/**
 * A worker: engines that make the clips of a queue which many machines share. It listens nowhere.
 *
 * It stops gracefully: running jobs go back to the queue, engines end.
 */
import { createEngineHost, type EngineHost, type EnginePatience } from './engine/host.ts';
import type { EngineOptions } from './engine/messages.ts';
import { openPostgresQueue } from './postgres/queue.ts';
import { type Keep, startRetention } from './retention.ts';
import { createHandler } from './work.ts';

export interface EnginesOptions {
  readonly engine: EngineOptions;
  /** Engines, each of which makes one clip at a time. */
  readonly engines: number;
  /** Says what people who watch should know. */
  readonly tell?: (message: string) => void;
  /** For tests: the program of the engine, and its patience. */
  readonly engineProgram?: string;
  readonly patience?: Partial<EnginePatience>;
}

export interface WorkerOptions extends EnginesOptions {
  /** Address of the database. */
  readonly database: string;
  /** Folder of the files, which all machines see. */
  readonly data: string;
  readonly keep?: Keep;
}

export interface RunningWorker {
  stop(): Promise<void>;
}

/** Hosts of engines, none of which is started yet. */
export const createEngines = ({
  engine,
  engines,
  engineProgram: program,
  patience,
  tell,
}: EnginesOptions): EngineHost[] =>
  Array.from({ length: engines }, () => createEngineHost({ engine, program, patience, tell }));

/** Starts a worker; it takes jobs once its model is open. Throws what opening the model and the queue throws. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { database: url, data, tell = () => {} } = options;
  const queue = await openPostgresQueue({ url, data, tell });
  const engines = createEngines(options);
  const close = async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await queue.close();
  };
  try {
    await engines[0]!.open();
  } catch (error) {
    await close();
    throw error;
  }
  const endRetention = startRetention(queue, options.keep ?? {}, tell);
  const worker = queue.work(createHandler({ engines, folderOf: queue.folderOf }), { concurrency: engines.length });
  return {
    async stop() {
      endRetention();
      await worker.stop();
      await close();
    },
  };
}
