/**
 * A pool of one process for Vitest that stays from one run to the next, with all modules that it has loaded.
 */
import { ForksPoolWorker, type PoolOptions, type PoolRunnerInitializer, type PoolWorker } from 'vitest/node';

type Listener = (value: unknown) => void;
type Message = Parameters<PoolWorker['send']>[0];

/** After so many test files the process is replaced: those that a mutant broke may have left sessions open. */
const filesPerProcess = 40;

/** The pool. */
export function warmPool(): PoolRunnerInitializer {
  let process: ForksPoolWorker | undefined;
  let files = 0;
  return {
    name: 'warm',
    createPoolWorker: (options) => {
      let fresh = false;
      let listeners: { event: string; listener: Listener }[] = [];
      /** Answers in place of the process. */
      const answer = (type: 'started' | 'stopped') =>
        setImmediate(() => {
          for (const { event, listener } of listeners)
            if (event === 'message') listener({ __vitest_worker_response__: true, type });
        });
      return {
        name: 'warm',
        cacheFs: true,
        async start() {
          fresh = !process;
          if (process) return;
          process = await launch(options);
          process.on('exit', () => {
            process = undefined;
          });
        },
        send(message: Message) {
          if ('type' in message && message.type === 'stop') answer('stopped');
          else if ('type' in message && message.type === 'start' && !fresh) answer('started');
          else process?.send(message);
        },
        on(event, listener) {
          listeners.push({ event, listener });
          process?.on(event, listener);
        },
        off(event, listener) {
          listeners = listeners.filter((one) => one.event !== event || one.listener !== listener);
          process?.off(event, listener);
        },
        deserialize: (data) => data,
        async stop() {
          for (const { event, listener } of listeners) process?.off(event, listener);
          files++;
          if (files % filesPerProcess === 0) await process?.stop();
        },
      };
    },
  };
}

async function launch(options: PoolOptions): Promise<ForksPoolWorker> {
  const worker = new ForksPoolWorker(options);
  await worker.start();
  return worker;
}
