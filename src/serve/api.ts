/**
 * What the HTTP API speaks: OpenAI's `/v1/videos`, with everything of ours under one key, `quantcache`. Types only, so that
 * pages and clients may share them; `docs/serving.md` says what the routes do.
 */
import type { Precision } from '../model.ts';
import type { PolicyDescription } from '../policies/describe.ts';

export type { PolicyDescription };

/** A cancelled job is a failed one whose error has the code `cancelled`. */
export type VideoStatus = 'queued' | 'in_progress' | 'completed' | 'failed';

/** A job and, once it is completed, its clip. */
export interface Video {
  readonly id: string;
  readonly object: 'video';
  readonly model: string;
  readonly status: VideoStatus;
  /** 0 to 100, 100 only when completed; never falls within an attempt. */
  readonly progress: number;
  /** Seconds since 1970, as all times here. */
  readonly created_at: number;
  readonly completed_at: number | null;
  /** When its files will be removed; null where they are kept. */
  readonly expires_at: number | null;
  readonly prompt: string;
  /** WIDTHxHEIGHT in pixels. */
  readonly size: string;
  readonly seconds: string;
  readonly remixed_from_video_id: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly quantcache: VideoDetails;
}

/** What of a video is ours. What is null was not asked for and not decided yet. */
export interface VideoDetails {
  readonly seed: number | string;
  readonly num_frames: number;
  readonly fps: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly sampler: string | null;
  readonly loops: number;
  readonly negative_prompt: string | null;
  readonly profile: string | null;
  readonly policy: string | null;
  readonly policy_options: Readonly<Record<string, unknown>> | null;
  readonly precision: Precision | null;
  readonly output_format: OutputFormat;
  readonly priority: number;
  readonly has_input_reference: boolean;
  /** The settings that make this clip again, as fields of a new request; a reference picture has to be sent again. */
  readonly request: CreateVideo;
  /** How often it was begun. */
  readonly attempt: number;
  /** 1 for the next to run; null for those that do not wait. */
  readonly queue_position: number | null;
  readonly eta_seconds: number | null;
  readonly step: number | null;
  readonly started_at: number | null;
  readonly warnings: readonly string[];
  /** Milliseconds by stage. */
  readonly times: Readonly<Record<string, number>> | null;
  /** Operations of a full run over those that were done. */
  readonly speedup: number | null;
  /** Decibels against full computation, as a run that leaps estimates them. */
  readonly estimated_quality: number | null;
  /** What was done at each step. */
  readonly steps: readonly StepKind[] | null;
  readonly retry_of: string | null;
  /** What `variant` may be. */
  readonly variants: readonly Variant[];
}

/** `partly`: some of the step's nodes were computed and others reused or skipped. */
export type StepKind = 'computed' | 'partly' | 'reused';

export const outputFormats = ['mp4', 'webm', 'gif', 'webp'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** The files of a completed video, as `GET /v1/videos/{id}/content?variant=` names them. */
export const variants = ['video', 'thumbnail', 'spritesheet', 'trace', 'decision_map'] as const;
export type Variant = (typeof variants)[number];

/** The fields of a new video, as JSON; a multipart form has the same with texts for values. */
export interface CreateVideo {
  readonly prompt: string;
  readonly model?: string;
  /** WIDTHxHEIGHT. */
  readonly size?: string;
  readonly seconds?: string | number;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  readonly num_frames?: number;
  readonly num_inference_steps?: number;
  readonly guidance_scale?: number;
  readonly seed?: number | string;
  readonly negative_prompt?: string;
  /** A data URL of the first frame; in a multipart form it may be a file. */
  readonly input_reference?: { readonly image_url: string };
  readonly quantcache?: {
    readonly profile?: string;
    /** Decibels against full computation that leaps aim at, by the run's own estimate, instead of those of the profile. */
    readonly quality?: number;
    /** How many times as fast as full computation the clip is to be, by what calibration measured; in place of a quality. */
    readonly speedup?: number;
    readonly policy?: string;
    readonly policy_options?: Readonly<Record<string, unknown>>;
    readonly precision?: Precision;
    readonly sampler?: string;
    readonly loops?: number;
    /** -10 to 10; higher runs earlier. */
    readonly priority?: number;
    readonly output_format?: OutputFormat;
    readonly trace?: boolean;
    /** Shows the run as it goes, where it takes more than three seconds; `always` shows every step that is computed. */
    readonly preview?: boolean | 'always';
  };
}

/** A page of videos. */
export interface VideoList {
  readonly object: 'list';
  readonly data: readonly Video[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** What a model can be asked for. */
export interface ModelCapabilities {
  /** Sizes to offer, WIDTHxHEIGHT, the default first; others may be possible. */
  readonly sizes: readonly string[];
  /** The default is a clip of this many frames at this rate. */
  readonly default_frames: number;
  readonly default_fps: number;
  readonly default_steps: number;
  readonly default_guidance_scale: number;
  readonly fps: { readonly min: number; readonly max: number };
  readonly max_frames: number;
  /** `seconds` are rounded up to a multiple of so many frames. */
  readonly frame_multiple: number;
  readonly profiles: readonly ProfileDescription[];
  readonly samplers: readonly string[];
  readonly precisions: readonly Precision[];
  /** Whether the model takes a negative prompt. */
  readonly negative_prompt: boolean;
  /** Whether pictures can be read here. */
  readonly input_reference: boolean;
  /** Whether runs can be shown as they go. */
  readonly previews: boolean;
  readonly limits: ModelLimits;
}

/** What a request may cost. */
export interface ModelLimits {
  readonly min_side: number;
  readonly max_side: number;
  /** Pixels of one frame. */
  readonly max_area: number;
  /** width x height x frames x loops. */
  readonly max_pixels: number;
  readonly max_steps: number;
  readonly max_guidance_scale: number;
}

/** A profile, and what it was fitted for; outside of that it is not followed and a warning says so. */
export interface ProfileDescription {
  readonly name: string;
  /** Median decibels against full computation on prompts that it was not fitted on; null where not measured. */
  readonly quality: number | null;
  /** Times as fast as full computation; null where not measured. */
  readonly speedup: number | null;
  /** Decibels that its leaps aim at, which `quality` changes; null for a fixed plan, which aims at none. */
  readonly target_quality: number | null;
  readonly size: string;
  readonly num_frames: number;
  readonly steps: readonly number[];
}

/** A model of `GET /v1/models`. */
export interface ModelObject {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly quantcache: ModelCapabilities;
}

/** `GET /v1/capabilities`: everything that a page needs to draw its form. */
export interface Capabilities {
  readonly version: string;
  readonly models: readonly ModelObject[];
  readonly policies: readonly PolicyDescription[];
  readonly output_formats: readonly OutputFormat[];
  readonly limits: {
    readonly max_prompt_characters: number;
    readonly max_upload_bytes: number;
    /** Jobs that may wait. */
    readonly max_queue: number;
  };
}

/**
 * What the event streams send, the event's name in `type`. Every one has the video's id; `snapshot` is the first of a
 * stream: one video at `/v1/videos/{id}/events`, all that wait or run at `/v1/events`.
 */
export type ServerEvent =
  | { readonly type: 'snapshot'; readonly videos: readonly Video[] }
  | { readonly type: 'queued'; readonly id: string; readonly position: number; readonly video: Video }
  | { readonly type: 'started'; readonly id: string; readonly attempt: number; readonly video: Video }
  | ({ readonly type: 'progress'; readonly id: string } & Progress)
  | { readonly type: 'preview'; readonly id: string; readonly url: string; readonly step: number }
  | { readonly type: 'warning'; readonly id: string; readonly message: string }
  | { readonly type: 'completed' | 'failed'; readonly id: string; readonly video: Video }
  | { readonly type: 'deleted'; readonly id: string };

/** How far a run is. */
export interface Progress {
  readonly stage: 'text' | 'reference' | 'denoise' | 'decode' | 'save';
  /** Steps that are done, all loops together. */
  readonly step: number;
  readonly num_steps: number;
  readonly progress: number;
  readonly eta_seconds: number | null;
  /** What was done at the step that just ended; absent where none did. */
  readonly did?: StepKind;
}

/** The body of every error. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}
