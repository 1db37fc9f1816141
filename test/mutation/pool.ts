/** Worker processes that share a list of jobs. A job that takes too long ends with its process, and another one takes over. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Numbered } from './instrument.ts';
import type { FileResult, Job } from './worker.ts';

/** A job and the most seconds that it may take. */
export interface TimedJob extends Job {
  readonly limit: number;
}

/** What came of a job, or that it took too long. */
export type Outcome = readonly FileResult[] | 'timeout';

/** Works off a list in so many processes; `onDone` is told of each job as it ends. */
export async function workOff(
  mutants: readonly Numbered[],
  jobs: readonly TimedJob[],
  { workers, onDone }: { readonly workers: number; onDone(job: TimedJob, outcome: Outcome): void },
): Promise<void> {
  const waiting = [...jobs];
  const serve = async () => {
    let worker = await start(mutants);
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const outcome = await ask(worker, job);
      if (outcome === 'timeout') {
        end(worker);
        worker = await start(mutants);
      }
      onDone(job, outcome);
    }
    end(worker);
  };
  await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, serve));
}

async function start(mutants: readonly Numbered[]): Promise<ChildProcess> {
  // A process group of its own, so that the processes that Vitest starts end with it.
  const worker = fork(fileURLToPath(new URL('start.mjs', import.meta.url)), ['worker'], { detached: true });
  worker.send({ mutants });
  await next(worker);
  return worker;
}

function end({ pid }: ChildProcess): void {
  process.kill(-pid!, 'SIGKILL');
}

/** The next message of a worker; throws where it ends instead. */
function next(worker: ChildProcess): Promise<unknown> {
  return new Promise((done, fail) => {
    const ended = () => fail(new Error('A worker process ended by itself.'));
    worker.once('exit', ended);
    worker.once('message', (message) => {
      worker.off('exit', ended);
      done(message);
    });
  });
}

async function ask(worker: ChildProcess, job: TimedJob): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'timeout'>((done) => {
    timer = setTimeout(() => done('timeout'), job.limit * 1000);
  });
  worker.send(job);
  const answer = await Promise.race([next(worker), late]);
  clearTimeout(timer);
  if (answer === 'timeout') return answer;
  if (!Array.isArray(answer)) throw new Error((answer as { error: string }).error);
  return answer as readonly FileResult[];
}
