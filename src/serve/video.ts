/** A job as the API shows it. */
import type { CreateVideo, Video, VideoDetails } from './api.ts';
import type { Job } from './job.ts';

const prefix = 'video_';
const idPattern = /^video_[0-9a-f]{32}$/;

/** The job that a video's id names; undefined for what is no id. */
export const jobIdOf = (id: string): string | undefined => (idPattern.test(id) ? id.slice(prefix.length) : undefined);

export const videoIdOf = (jobId: string): string => prefix + jobId;

const seconds = (milliseconds: number | undefined): number | null =>
  milliseconds === undefined ? null : Math.floor(milliseconds / 1000);

export interface VideoContext {
  /** Place among those that wait. */
  readonly position?: number;
  /** Seconds until a job that waits is done, if that can be told. */
  readonly wait?: number;
  /** Milliseconds for which files are kept after completion. */
  readonly keep?: number;
}

/** What the API says of a job. */
export function videoOf(job: Job, { position, wait, keep }: VideoContext = {}): Video {
  const { request, state, progress, error, result } = job;
  const { run } = request;
  const expires = job.completedAt !== undefined && keep !== undefined ? job.completedAt + keep : undefined;
  return {
    id: videoIdOf(job.id),
    object: 'video',
    model: request.model,
    status: state,
    progress: state === 'completed' ? 100 : (progress?.progress ?? 0),
    created_at: seconds(job.createdAt)!,
    completed_at: state === 'completed' ? seconds(job.completedAt) : null,
    expires_at: state === 'completed' ? seconds(job.expiredAt ?? expires) : null,
    prompt: run.prompts[0]!,
    size: run.size.split('x').reverse().join('x'),
    seconds: String((run.frames * (run.loops ?? 1)) / run.fps),
    remixed_from_video_id: job.remixedFrom ? videoIdOf(job.remixedFrom) : null,
    error: error ?? null,
    quantcache: {
      seed: numberOf(run.seed!),
      num_frames: run.frames,
      fps: run.fps,
      num_inference_steps: result?.numSteps ?? run.numSteps!,
      guidance_scale: result?.guidanceScale ?? run.guidanceScale!,
      sampler: result?.sampler ?? run.sampler ?? null,
      loops: run.loops ?? 1,
      negative_prompt: run.negativePrompt ?? null,
      ...decidedOf(job),
      output_format: request.outputFormat,
      priority: job.priority,
      has_input_reference: job.image !== undefined,
      request: fieldsOf(job),
      attempt: job.attempt,
      queue_position: state === 'queued' ? (position ?? null) : null,
      eta_seconds: state === 'queued' ? (wait ?? null) : (progress?.eta_seconds ?? null),
      step: progress?.step ?? null,
      started_at: seconds(job.startedAt),
      warnings: job.warnings,
      times: result?.times ?? null,
      speedup: result?.speedup ?? null,
      estimated_quality: result?.estimatedQuality ?? null,
      steps: result?.steps ?? null,
      retry_of: job.retryOf ? videoIdOf(job.retryOf) : null,
      variants: job.expiredAt === undefined ? (Object.keys(result?.files ?? {}) as VideoDetails['variants']) : [],
    },
  };
}

/** Seeds have 64 bits; those that JSON's numbers cannot hold stay texts. */
function numberOf(seed: number | string): number | string {
  const number = Number(seed);
  return Number.isSafeInteger(number) ? number : seed;
}

/** What runs where it was decided, else what was asked for. */
function decidedOf({ request: { run }, result }: Job) {
  return {
    profile: result ? result.profile : (run.profile ?? null),
    policy: result?.policy ?? run.policy ?? null,
    policy_options: result?.policyOptions ?? run.policyOptions ?? null,
    precision: (result?.precision ?? run.precision ?? null) as VideoDetails['precision'],
  };
}

/** The fields of a request that makes the same clip. */
function fieldsOf({ request: { model, run, outputFormat, trace }, priority }: Job): CreateVideo {
  const [height, width] = run.size.split('x').map(Number);
  return definedOnly({
    prompt: run.prompts[0]!,
    model,
    width,
    height,
    num_frames: run.frames,
    fps: run.fps,
    num_inference_steps: run.numSteps,
    guidance_scale: run.guidanceScale,
    seed: numberOf(run.seed!),
    negative_prompt: run.negativePrompt,
    quantcache: definedOnly({
      profile: run.profile,
      quality: run.quality,
      speedup: run.speedup,
      policy: run.policy,
      policy_options: run.policyOptions,
      precision: run.precision,
      sampler: run.sampler,
      loops: run.loops,
      priority: priority === 0 ? undefined : priority,
      output_format: outputFormat,
      trace: trace || undefined,
    }),
  });
}

const definedOnly = <Fields extends object>(fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
