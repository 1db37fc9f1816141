/**
 * Jobs of a server that computes nothing: they wait, run step by step as the trace of a clip that was made once says, and
 * end with that clip. One at a time, and everything is told to whoever listens.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CreateVideo, ServerEvent, Video } from '../../src/api/types.ts';
import { clips, type FakeClip } from './clips.ts';

export interface FakeJob {
  video: Video;
  readonly clip: FakeClip;
}

export interface Jobs {
  readonly all: Map<string, FakeJob>;
  add(request: CreateVideo): Video;
  cancel(id: string): Video;
  remove(id: string): void;
  subscribe(listener: (event: ServerEvent) => void): () => void;
  close(): void;
}

/** Seconds since 1970. */
const now = () => Date.now() / 1000;

/** `pace`: milliseconds from step to step. */
export function createJobs({ pace, seeded = true }: { readonly pace: number; readonly seeded?: boolean }): Jobs {
  const all = new Map<string, FakeJob>();
  const listeners = new Set<(event: ServerEvent) => void>();
  const tell = (event: ServerEvent) => {
    for (const listener of listeners) listener(event);
  };
  const change = (id: string, part: Partial<Video>, details: Partial<Video['quantcache']> = {}): Video => {
    const job = all.get(id)!;
    job.video = { ...job.video, ...part, quantcache: { ...job.video.quantcache, ...details } };
    return job.video;
  };
  let timer: NodeJS.Timeout | undefined;
  let running: string | undefined;

  const line = () => [...all.values()].filter(({ video }) => video.status === 'queued');
  function place(): void {
    for (const [i, { video, clip }] of line().entries()) {
      if (video.quantcache.queue_position === i + 1) continue;
      const eta_seconds = ((i + 2) * clip.steps.length * pace) / 1000;
      const placed = change(video.id, {}, { queue_position: i + 1, eta_seconds });
      tell({ type: 'queued', id: video.id, position: i + 1, video: placed });
    }
  }

  function next(): void {
    const job = line()[0];
    running = job?.video.id;
    if (!job) return;
    const { id } = job.video;
    const started = { attempt: 1, queue_position: null, started_at: now(), step: 0 };
    tell({ type: 'started', id, attempt: 1, video: change(id, { status: 'in_progress' }, started) });
    place();
    let step = 0;
    timer = setInterval(() => {
      const { steps } = job.clip;
      const did = steps[step]!;
      step++;
      const eta_seconds = ((steps.length - step) * pace) / 1000;
      const progress = Math.floor((98 * step) / steps.length);
      change(id, { progress }, { step, eta_seconds, steps: steps.slice(0, step) });
      tell({ type: 'progress', id, stage: 'denoise', step, num_steps: steps.length, progress, eta_seconds, did });
      if (did !== 'reused') tell({ type: 'preview', id, url: `/v1/videos/${id}/preview?step=${step}`, step });
      if (step < steps.length) return;
      clearInterval(timer);
      tell({ type: 'completed', id, video: change(id, ...completedOf(job.clip)) });
      next();
    }, pace);
  }

  function end(id: string, code: string, message: string): Video {
    const video = change(
      id,
      { status: 'failed', error: { code, message }, completed_at: now() },
      { queue_position: null, eta_seconds: null },
    );
    tell({ type: 'failed', id, video });
    if (running === id) {
      clearInterval(timer);
      next();
    }
    place();
    return video;
  }

  if (seeded)
    for (const [i, clip] of clips.entries()) {
      const request = requestOf(clip);
      const id = newId();
      all.set(id, { clip, video: videoOf(id, request, now() - (clips.length - i) * 420) });
      change(id, ...completedOf(clip));
    }

  return {
    all,
    add(request) {
      const id = newId();
      all.set(id, { clip: clipFor(request), video: videoOf(id, request, now()) });
      place();
      if (request.prompt.includes('never'))
        end(id, 'engine_crashed', 'The engine ended twice while it made this clip.');
      else if (running === undefined) next();
      return all.get(id)!.video;
    },
    cancel: (id) => end(id, 'cancelled', 'The job was cancelled.'),
    remove(id) {
      if (all.get(id)?.video.status === 'in_progress') end(id, 'cancelled', 'The job was cancelled.');
      all.delete(id);
      tell({ type: 'deleted', id });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
}

const newId = () => `video_${randomUUID().replaceAll('-', '')}`;

/** The clip that a request ends with: of its prompt and profile, else any. */
function clipFor({ prompt, seed, quantcache = {} }: CreateVideo): FakeClip {
  const wanted = quantcache.policy === 'full' ? null : (quantcache.profile ?? 'balanced');
  const own = clips.filter((clip) => clip.prompt === prompt);
  const full = own.find(({ name }) => name.endsWith('full'));
  if (wanted === null && full) return full;
  return own.find(({ profile }) => profile === wanted) ?? clips[Number(BigInt(seed ?? 0) % 4n)]!;
}

function requestOf({ name, prompt, seed, profile }: FakeClip): CreateVideo {
  const policy = /^star-(.*cache|full)$/.exec(name)?.[1];
  const method = profile
    ? { profile }
    : { policy: policy ?? 'full', ...(policy !== 'full' && { precision: 'w8a8' as const }) };
  const options = policy === 'teacache' ? { policy_options: { threshold: 0.2 } } : {};
  return { prompt, model: 'demo', size: '64x64', num_frames: 17, fps: 8, seed, quantcache: { ...method, ...options } };
}

/** What a profile of the embedded model tells its policy. */
function optionsOf(profile: string): Record<string, unknown> {
  const file = new URL(`../../../models/demo/profiles/${profile}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { options: Record<string, unknown> }).options;
}

type Change = [part: Partial<Video>, details: Partial<Video['quantcache']>];

function completedOf({ profile, trace, steps, speedup, milliseconds }: FakeClip): Change {
  const precision = trace.decisions[0]?.precision ?? null;
  return [
    { status: 'completed', progress: 100, completed_at: now(), error: null },
    {
      profile,
      policy: trace.policy,
      ...(profile && { policy_options: optionsOf(profile) }),
      precision,
      steps,
      speedup,
      estimated_quality: trace.policy.startsWith('quantcache') ? 39 : null,
      times: { denoise: milliseconds },
      eta_seconds: null,
      queue_position: null,
      variants: ['video', 'thumbnail', 'trace'],
    },
  ];
}

function videoOf(id: string, request: CreateVideo, created_at: number): Video {
  const { quantcache: asked = {} } = request;
  const frames = request.num_frames ?? 17;
  return {
    id,
    object: 'video',
    model: 'demo',
    status: 'queued',
    progress: 0,
    created_at,
    completed_at: null,
    expires_at: null,
    prompt: request.prompt,
    size: request.size ?? '64x64',
    seconds: String(frames / (request.fps ?? 8)),
    remixed_from_video_id: null,
    error: null,
    quantcache: {
      seed: request.seed ?? 42,
      num_frames: frames,
      fps: request.fps ?? 8,
      num_inference_steps: request.num_inference_steps ?? 30,
      guidance_scale: request.guidance_scale ?? 4,
      sampler: asked.sampler ?? null,
      loops: asked.loops ?? 1,
      negative_prompt: request.negative_prompt ?? null,
      profile: asked.profile ?? null,
      policy: asked.policy ?? null,
      policy_options: asked.policy_options ?? null,
      precision: asked.precision ?? null,
      output_format: 'mp4',
      priority: 0,
      has_input_reference: request.input_reference !== undefined,
      request,
      attempt: 0,
      queue_position: null,
      eta_seconds: null,
      step: null,
      started_at: null,
      warnings: [],
      times: null,
      speedup: null,
      estimated_quality: null,
      steps: null,
      retry_of: null,
      variants: [],
    },
  };
}
