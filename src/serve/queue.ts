/**
 * The queue: where jobs wait, run and end, whatever dies when. One interface with several implementations, which all pass
 * `conformance.ts`.
 *
 * A job is given out at least once, and every giving out is an attempt with a number of its own. What an attempt says is
 * heard only while it is the newest one of a job that runs, so a result is published once: a process that was thought dead and
 * comes back speaks to nobody. Failures that are the user's end a job; one whose process died is given out again, until it has
 * taken `mostCrashes` processes with it.
 */
import { messageOf } from '../errors.ts';
import type { Progress } from './api.ts';
import { cancelled, isFinished, type Job, type JobError, type JobResult, type NewJob } from './job.ts';

/** Attempts that may end with the process that made them before the job counts as what ends processes. */
export const mostCrashes = 2;

/** What an attempt came to. `crashed` and `lost` are tried again; for `returned`, which stopped on request, that counts as none. */
export type Outcome =
  | { readonly kind: 'completed'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly error: JobError }
  | { readonly kind: 'crashed'; readonly error: JobError }
  | { readonly kind: 'returned' };

/** What a worker is given. */
export interface Attempt {
  readonly job: Job;
  /** From 1 up; names the files that it writes. */
  readonly number: number;
  /** Fires when the job is cancelled or removed, or the attempt is not the newest any more. */
  readonly signal: AbortSignal;
  /** Says how it goes; nobody hears an attempt that is not the newest. */
  report(news: AttemptNews): void;
}

/** What an attempt says while it runs. */
export type AttemptNews =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'preview'; readonly step: number }
  | { readonly type: 'warning'; readonly message: string };

export type Handler = (attempt: Attempt) => Promise<Outcome>;

/** What happened to a job. */
export type JobEvent = { readonly id: string } & (
  | { readonly type: 'queued' | 'started' | 'completed' | 'failed'; readonly job: Job }
  | { readonly type: AttemptNews['type']; readonly news: AttemptNews }
  | { readonly type: 'deleted' }
);

/** Numbers grow; a subscriber that lost its connection names the last one that it has. */
export type QueueEvent = JobEvent & { readonly number: number };

export interface ListRequest {
  /** Id of the job that the page begins after. */
  readonly after?: string;
  readonly limit: number;
  /** By time of creation. */
  readonly order: 'asc' | 'desc';
}

export interface AddOptions {
  /** The most jobs that may wait, and the most of this owner; `queue_full` and `owner_full` tell of one too many. */
  readonly most?: { readonly waiting: number; readonly ofOwner: number };
}

export type Added =
  | { readonly kind: 'added' | 'known'; readonly job: Job }
  | { readonly kind: 'queue_full' | 'owner_full'; readonly waiting: number };

/** What `cancel` found. */
export type Cancelled = { readonly kind: 'cancelled' | 'finished'; readonly job: Job } | { readonly kind: 'unknown' };

export interface JobQueue {
  /** Keeps a job, on the disk when this resolves. The same key of the same owner gives the job that was added first. */
  add(job: NewJob, options?: AddOptions): Promise<Added>;
  get(id: string): Promise<Job | undefined>;
  list(request: ListRequest): Promise<{ readonly jobs: readonly Job[]; readonly hasMore: boolean }>;
  /** Jobs that wait, in the order in which they will run, and those that run. */
  active(): Promise<readonly Job[]>;
  /** Ends a job that is not finished; one that runs is told to stop. */
  cancel(id: string): Promise<Cancelled>;
  /** Forgets a job of any state and removes its files; false where there is none. */
  remove(id: string): Promise<boolean>;
  /** Finished jobs whose files were not removed, by the time of their end. */
  kept(): Promise<readonly Job[]>;
  /** Removes the files of a finished job and remembers when. */
  expire(id: string): Promise<void>;
  /** Where the files of a job lie. Throws `invalid_option` for what is no id. */
  folderOf(id: string): string;
  /** Makes that folder, for files that belong to a job which is about to be added; its path. */
  makeFolder(id: string): Promise<string>;
  /** 1 for the next to run; undefined for those that do not wait. */
  position(id: string): Promise<number | undefined>;
  size(): Promise<{ readonly waiting: number; readonly running: number }>;
  /** Gives jobs to a handler, `concurrency` at a time, until the worker is stopped. */
  work(handler: Handler, options: { readonly concurrency: number }): Worker;
  /** Calls back for what happens from now on, and first for what happened after event `after` as far as it is remembered. */
  subscribe(listener: (event: QueueEvent) => void, after?: number): () => void;
  /** Ends without waiting for handlers: stop the workers first. */
  close(): Promise<void>;
}

export interface Worker {
  /** Takes no more jobs; fires the signals of those that run, whose handlers then return them, and waits for that. */
  stop(): Promise<void>;
}

/** What a waiting job becomes when an attempt begins. */
export const begun = (job: Job, attempt: number): Job => ({
  ...job,
  state: 'in_progress',
  attempt,
  startedAt: Date.now(),
  progress: undefined,
});

/** Whether an attempt is the one that makes the job now: what others say counts for nothing. */
export const isMadeBy = (job: Job, attempt: number): boolean => job.state === 'in_progress' && job.attempt === attempt;

/** What a job becomes that is cancelled; undefined where it is finished. */
export const stopped = (job: Job): Job | undefined =>
  isFinished(job) ? undefined : { ...job, state: 'failed', error: cancelled, completedAt: Date.now() };

/** What a job becomes whose files are not kept any longer; undefined where it has none, or may get some. */
export const expired = (job: Job): Job | undefined =>
  isFinished(job) && !job.expiredAt ? { ...job, expiredAt: Date.now() } : undefined;

/** What a running job becomes by the outcome of its newest attempt. */
export function settle(job: Job, outcome: Outcome): Job {
  const end = { completedAt: Date.now(), progress: undefined };
  if (outcome.kind === 'completed') return { ...job, ...end, state: 'completed', result: outcome.result };
  if (outcome.kind === 'failed') return { ...job, ...end, state: 'failed', error: outcome.error };
  const crashes = job.crashes + (outcome.kind === 'crashed' ? 1 : 0);
  if (outcome.kind === 'crashed' && crashes >= mostCrashes)
    return { ...job, ...end, crashes, state: 'failed', error: outcome.error };
  return { ...job, crashes, state: 'queued', progress: undefined };
}

/** What an attempt comes to whose handler failed in a way that it did not foresee. */
export const unforeseen = (error: unknown): Outcome => ({
  kind: 'crashed',
  error: { code: 'engine_crashed', message: messageOf(error) },
});

/** A job with what an attempt says of it. */
export function told(job: Job, news: AttemptNews): Job {
  if (news.type === 'progress') return { ...job, progress: news.progress };
  return news.type === 'warning' ? { ...job, warnings: [...job.warnings, news.message] } : job;
}
