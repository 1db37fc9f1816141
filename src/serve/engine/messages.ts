/** What a server and its engine say to each other. Plain data; pixels never cross. */

import type { ModelCapabilities, PolicyDescription, Progress, StepKind } from '../api.ts';
import type { JobError, JobRequest, JobResult } from '../job.ts';

/** Which model an engine runs, and on what. */
export interface EngineOptions {
  /** Folder or hub id; absent for the model in this package. */
  readonly model?: string;
  readonly vae?: string;
  readonly textEncoder?: string;
  readonly device: 'cpu' | 'webgpu' | 'cuda';
  readonly threads?: number;
  /** The most width x height x frames x loops of a clip; default: `clipsOfDefault` times the model's default clip. */
  readonly maxPixels?: number;
  /** Seconds after which the state of a run is kept, for another attempt to go on from. Default: a minute. */
  readonly keepAfter?: number;
}

/** What an engine offers, once it has opened its model. */
export interface EngineOffer {
  /** The model's own name. */
  readonly model: string;
  readonly capabilities: ModelCapabilities;
  readonly policies: readonly PolicyDescription[];
}

/** A run to make. */
export interface RunOrder {
  readonly id: string;
  readonly attempt: number;
  readonly request: JobRequest;
  /** The job's folder; files of the run are named by its attempt. */
  readonly folder: string;
  readonly image?: string;
}

export type ToEngine =
  | { readonly type: 'open'; readonly options: EngineOptions }
  | { readonly type: 'run'; readonly order: RunOrder }
  | { readonly type: 'abort' };

export type FromEngine =
  | { readonly type: 'ready'; readonly offer: EngineOffer }
  /** The model cannot be opened; the engine ends. */
  | { readonly type: 'unusable'; readonly error: JobError }
  /** How a run goes; `denoise` and `decode` count what is done of all loops. */
  | {
      readonly type: 'event';
      readonly stage: Progress['stage'];
      readonly done: number;
      readonly total: number;
      readonly did?: StepKind;
    }
  | { readonly type: 'warning'; readonly message: string }
  /** There is a newer preview in the job's folder. */
  | { readonly type: 'preview'; readonly step: number }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'failed'; readonly error: JobError };

/** The default limit of a clip's pixels, in clips of the model's default size and length. */
export const clipsOfDefault = 16;

/** Name of an attempt's preview in its job's folder. */
export const previewFile = (attempt: number): string => `${attempt}.preview.png`;
