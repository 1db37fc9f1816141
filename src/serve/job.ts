/**
 * A job: what is to be made, and what became of it. Plain data that can be written to a file, a row of a database or a
 * message to another process.
 *
 * Invariants: a job that is completed or failed does not change any more but for its files' removal; only the newest attempt
 * may say how it goes.
 */
import { randomUUID } from 'node:crypto';
import type { PreviewTime } from '../preview/previews.ts';
import type { RunOptions } from '../run/options.ts';
import type { OutputFormat, Progress, StepKind, Variant, VideoStatus } from './api.ts';

/** What is to be made. Size and length are decided here already; the rest is the engine's to decide. */
export interface JobRequest {
  /** As the request named it. */
  readonly model: string;
  /** The model's own name: a process that has another one does not make the clip. */
  readonly modelName: string;
  readonly run: RunOptions & { readonly size: string; readonly frames: number; readonly fps: number };
  readonly outputFormat: OutputFormat;
  /** Whether the trace is kept. */
  readonly trace: boolean;
  /** When the run is shown as it goes; absent where it is not. */
  readonly preview?: PreviewTime;
  /** What the request asked for and did not get. */
  readonly warnings: readonly string[];
}

/** What went wrong; `code` is one of our error codes, or one of `jobErrorCodes`. */
export interface JobError {
  readonly code: string;
  readonly message: string;
}

/** Ends of a job that no single run has. */
export const jobErrorCodes = ['cancelled', 'engine_crashed', 'timed_out'] as const;

/** What a run made. */
export interface JobResult {
  /** Names in the job's folder. */
  readonly files: Readonly<Partial<Record<Variant, string>>>;
  /** Of the video, for its ETag. */
  readonly sha256: string;
  readonly bytes: number;
  readonly profile: string | null;
  readonly policy: string;
  /** Without tables that were fitted. */
  readonly policyOptions: Readonly<Record<string, unknown>>;
  readonly precision: string | null;
  readonly sampler: string;
  readonly guidanceScale: number;
  readonly numSteps: number;
  readonly times: Readonly<Record<string, number>>;
  readonly speedup: number | null;
  /** Absent where nothing estimated it. */
  readonly estimatedQuality?: number;
  readonly steps: readonly StepKind[];
}

export interface Job {
  /** A uuid without dashes. */
  readonly id: string;
  readonly request: JobRequest;
  /** Higher runs earlier; equal ones in the order in which they came. */
  readonly priority: number;
  /** Who asked, as a hash; what one client may have waiting is limited. */
  readonly owner: string;
  /** Milliseconds since 1970, as all times of jobs. */
  readonly createdAt: number;
  readonly remixedFrom?: string;
  readonly retryOf?: string;
  /** Name of the reference picture in the job's folder. */
  readonly image?: string;
  /** Of the request that made it, within its owner. */
  readonly idempotencyKey?: string;
  readonly state: VideoStatus;
  /** How often it was begun. */
  readonly attempt: number;
  /** How many of its attempts ended with the process that made them. */
  readonly crashes: number;
  readonly startedAt?: number;
  readonly completedAt?: number;
  /** When its files were removed. */
  readonly expiredAt?: number;
  readonly progress?: Progress;
  readonly warnings: readonly string[];
  readonly error?: JobError;
  readonly result?: JobResult;
}

/** What a new job says. */
export type NewJob = Pick<
  Job,
  'request' | 'priority' | 'owner' | 'remixedFrom' | 'retryOf' | 'image' | 'idempotencyKey'
> & {
  readonly id: string;
};

/** A job that waits. */
export const createJob = (job: NewJob, createdAt = Date.now()): Job => ({
  ...job,
  createdAt,
  state: 'queued',
  attempt: 0,
  crashes: 0,
  warnings: job.request.warnings,
});

export const newJobId = (): string => randomUUID().replaceAll('-', '');

export const isFinished = ({ state }: Pick<Job, 'state'>): boolean => state === 'completed' || state === 'failed';

/** The error of a job that somebody stopped. */
export const cancelled: JobError = { code: 'cancelled', message: 'The job was cancelled.' };
