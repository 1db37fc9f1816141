/** From the queue to the engine and back: one attempt of a job is one run. */

import type { Progress } from './api.ts';
import type { EngineHost, RunNews } from './engine/host.ts';
import { createPace, type Pace } from './pace.ts';
import type { Attempt, Handler, JobQueue, Outcome } from './queue.ts';

export interface WorkOptions {
  /** Engines, each of which makes one run at a time. */
  readonly engines: readonly EngineHost[];
  /** Where the files of a job lie. */
  readonly folderOf: JobQueue['folderOf'];
  readonly pace?: Pace;
}

/** A handler that gives each attempt to an engine that has nothing to do; no more attempts at a time than there are engines. */
export function createHandler({ engines, folderOf, pace = createPace() }: WorkOptions): Handler {
  const idle = [...engines];
  return async (attempt) => {
    const engine = idle.shift();
    if (!engine) throw new Error('More attempts were given than there are engines.');
    try {
      return await make(engine, attempt, { folderOf, pace });
    } finally {
      idle.unshift(engine); // the one that is warm is the first again
    }
  };
}

async function make(
  engine: EngineHost,
  { job, number, signal, report }: Attempt,
  { folderOf, pace }: Required<Pick<WorkOptions, 'folderOf' | 'pace'>>,
): Promise<Outcome> {
  const timing = pace.begin(job.request);
  let step = 0;
  const { numSteps = 0, loops = 1 } = job.request.run;
  let steps = numSteps * loops;
  const onNews = (news: RunNews) => {
    if (news.type !== 'event') return report(news);
    const { stage, done, total, did } = news;
    if (stage === 'denoise') [step, steps] = [done, total];
    const { progress, etaSeconds } = timing.at(news);
    const told: Progress = { stage, step, num_steps: steps, progress, eta_seconds: etaSeconds, did };
    report({ type: 'progress', progress: told });
  };
  const order = { id: job.id, attempt: number, request: job.request, folder: folderOf(job.id), image: job.image };
  const outcome = await engine.run(order, { signal, onNews });
  // A later attempt may have gone on from where the one before it was, and says nothing about the next run.
  if (outcome.kind === 'completed' && number === 1) timing.end();
  return outcome;
}
