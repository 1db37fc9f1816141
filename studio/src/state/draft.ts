/** What the form holds, and the request that it stands for. Kept in the tab, so that a reload loses nothing. */
import { effect, signal } from '@preact/signals';
import type { CreateVideo, ModelCapabilities } from '../api/types.ts';
import { capabilities, model, modelId } from './server.ts';

/** How the balance of speed and quality is asked for. */
export type Aim =
  | { readonly by: 'profile'; readonly profile: string }
  | { readonly by: 'quality'; readonly decibels: number }
  | { readonly by: 'speedup'; readonly times: number }
  | {
      readonly by: 'policy';
      readonly policy: string;
      readonly options?: Readonly<Record<string, unknown>>;
      readonly precision?: string;
    };

export interface Draft {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly aim: Aim;
  /** WIDTHxHEIGHT. */
  readonly size: string;
  readonly frames: number;
  /** Absent, as the next two: the model's own. */
  readonly fps?: number;
  readonly steps?: number;
  readonly guidance?: number;
  /** Empty: the model's first. */
  readonly sampler: string;
  readonly loops: number;
  readonly seed: string;
  /** Whether the seed stays when a clip is made. */
  readonly seedLocked: boolean;
  /** The first frame, as a data URL. */
  readonly image?: { readonly name: string; readonly url: string };
}

/** A draft with every number. */
export type Settled = Draft & Required<Pick<Draft, 'fps' | 'steps' | 'guidance'>>;

/** What the form begins with. */
export const blank: Draft = {
  prompt: '',
  negativePrompt: '',
  aim: { by: 'profile', profile: '' },
  size: '',
  frames: 0,
  sampler: '',
  loops: 1,
  seed: randomSeed(),
  seedLocked: false,
};

export const draft = signal<Draft>(kept() ?? blank);
export const change = (part: Partial<Draft>): void => {
  draft.value = { ...draft.value, ...part };
};

export function randomSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]!);
}

/**
 * The draft with the model's defaults where nothing was chosen, and without what is left of another model: its profiles, and
 * lengths that this one cannot have.
 */
export function settled(given: Draft, can: ModelCapabilities): Settled {
  const size = given.size || can.sizes[0]!;
  return {
    ...given,
    aim: knownAim(given.aim, can),
    size,
    fps: given.fps ?? can.default_fps,
    frames: Math.min(given.frames || can.default_frames, mostFrames({ size, loops: given.loops }, can)),
    steps: given.steps ?? can.default_steps,
    guidance: given.guidance ?? can.default_guidance_scale,
  };
}

function knownAim(aim: Aim, { profiles }: ModelCapabilities): Aim {
  if (aim.by !== 'profile' || profiles.some(({ name }) => name === aim.profile)) return aim;
  const standard = profiles.find(({ name }) => name === 'balanced') ?? profiles[0];
  return standard ? { by: 'profile', profile: standard.name } : { by: 'policy', policy: 'full' };
}

/** The most frames of such a clip that the model may be asked for. */
export function mostFrames({ size, loops }: Pick<Draft, 'size' | 'loops'>, can: ModelCapabilities): number {
  const [width = 1, height = 1] = size.split('x').map(Number);
  const most = Math.min(can.max_frames, Math.floor(can.limits.max_pixels / (width * height * loops)));
  return Math.max(1, most - (most >= can.frame_multiple ? most % can.frame_multiple : 0));
}

/** The request for a clip. */
export function requestOf(given: Draft, can: ModelCapabilities, id: string): CreateVideo {
  const { prompt, negativePrompt, aim, size, frames, fps, steps, guidance, sampler, loops, seed, image } = settled(
    given,
    can,
  );
  return {
    prompt: prompt.trim(),
    model: id,
    size,
    num_frames: frames,
    fps,
    num_inference_steps: steps,
    guidance_scale: guidance,
    seed,
    ...(can.negative_prompt && negativePrompt.trim() !== '' && { negative_prompt: negativePrompt.trim() }),
    ...(image && { input_reference: { image_url: image.url } }),
    quantcache: {
      ...aimed(aim),
      ...(sampler && { sampler }),
      ...(loops > 1 && { loops }),
      trace: true,
      ...(can.previews && { preview: true }),
    },
  };
}

function aimed(aim: Aim): NonNullable<CreateVideo['quantcache']> {
  switch (aim.by) {
    case 'profile':
      return { profile: aim.profile };
    case 'quality':
      return { quality: aim.decibels };
    case 'speedup':
      return { speedup: aim.times };
    case 'policy':
      return {
        policy: aim.policy,
        ...(aim.options && { policy_options: aim.options }),
        ...(aim.precision && { precision: aim.precision as never }),
      };
  }
}

/** Fills the form with the settings of a clip; its seed stays, as that is what makes it the same clip. */
export function use(request: CreateVideo): void {
  const { quantcache = {} } = request;
  const size =
    request.width && request.height ? `${request.width}x${request.height}` : (request.size ?? draft.value.size);
  if (request.model && capabilities.value?.models.some(({ id }) => id === request.model)) modelId.value = request.model;
  const fps = request.fps ?? model.value?.quantcache.default_fps ?? 0;
  const { image: _, ...current } = draft.value;
  draft.value = {
    ...current,
    prompt: request.prompt,
    negativePrompt: request.negative_prompt ?? '',
    aim: aimOf(quantcache) ?? current.aim,
    size,
    fps,
    frames: request.num_frames ?? (request.seconds ? Math.round(Number(request.seconds) * fps) : current.frames),
    steps: request.num_inference_steps,
    guidance: request.guidance_scale,
    sampler: quantcache.sampler ?? '',
    loops: quantcache.loops ?? 1,
    ...(request.seed !== undefined && { seed: String(request.seed), seedLocked: true }),
  };
}

function aimOf(asked: NonNullable<CreateVideo['quantcache']>): Aim | undefined {
  const { profile, quality, speedup, policy, policy_options, precision } = asked;
  if (profile) return { by: 'profile', profile };
  if (quality !== undefined) return { by: 'quality', decibels: quality };
  if (speedup !== undefined) return { by: 'speedup', times: speedup };
  if (policy) return { by: 'policy', policy, options: policy_options, precision };
  return undefined;
}

function kept(): Draft | undefined {
  try {
    const text = sessionStorage.getItem('draft');
    return text ? { ...blank, ...(JSON.parse(text) as Draft) } : undefined;
  } catch {
    return undefined; // storage is off, or holds what an older studio wrote
  }
}

effect(() => {
  const { image: _, ...small } = draft.value;
  try {
    sessionStorage.setItem('draft', JSON.stringify(small));
  } catch {
    // storage is off: the form begins empty after a reload
  }
});
