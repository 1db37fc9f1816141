/** What an engine offers: what its model can be asked for, as data that a server can check requests against without the model. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findPreviewMap, loadProfile } from '../../api/run.ts';
import { findSharp } from '../../api/video.ts';
import { describePolicies, type Pipeline, precisions, QuantCacheError } from '../../index.ts';
import type { ModelCapabilities, ProfileDescription } from '../api.ts';
import { clipsOfDefault, type EngineOffer } from './messages.ts';

/** The most steps that a request may ask for; every model here is done with a tenth. */
const mostSteps = 250;
/** Beyond this, guidance gives no picture. */
const mostGuidance = 100;

/** What an open model offers; `maxPixels` limits a clip's pixels, all frames and loops together. */
export async function offerOf(pipeline: Pipeline, maxPixels?: number): Promise<EngineOffer> {
  const { defaults, limits, network } = pipeline;
  const { width, height, numFrames } = defaults;
  const most = maxPixels ?? clipsOfDefault * width * height * numFrames;
  const sizes = [`${height}x${width}`, ...limits.namedSizes].filter((size) => {
    const [rows = 0, columns = 0] = size.split('x').map(Number);
    // Sizes far below the default are those of other models of the family, which this one does not draw.
    return rows * columns * numFrames <= most && 2 * rows * columns >= width * height;
  });
  const isSmall = 4 * width * height < smallestNamed(limits.namedSizes);
  const capabilities: ModelCapabilities = {
    sizes: [...new Set(isSmall ? sizes.slice(0, 1) : sizes)].map(swapped),
    default_frames: numFrames,
    default_fps: defaults.fps,
    default_steps: defaults.numSteps,
    default_guidance_scale: defaults.guidanceScale,
    fps: { min: limits.fps.least, max: limits.fps.most },
    max_frames: Math.min(limits.mostFrames, Math.floor(most / limits.side.least ** 2)),
    frame_multiple: limits.frameMultiple,
    profiles: await profilesOf(pipeline),
    samplers: Object.keys(network.samplers),
    precisions,
    negative_prompt: limits.negativePrompt,
    input_reference: (await findSharp()) !== undefined,
    previews: (await findPreviewMap(pipeline).catch(() => undefined)) !== undefined,
    limits: {
      min_side: limits.side.least,
      max_side: limits.side.most,
      max_area: Math.min(limits.mostArea, most),
      max_pixels: most,
      max_steps: mostSteps,
      max_guidance_scale: mostGuidance,
    },
  };
  return { model: pipeline.model, capabilities, policies: describePolicies() };
}

/** HEIGHTxWIDTH as WIDTHxHEIGHT, and back. */
export const swapped = (size: string): string => size.split('x').reverse().join('x');

const smallestNamed = (sizes: readonly string[]): number =>
  Math.min(
    ...sizes.map((size) =>
      size
        .split('x')
        .map(Number)
        .reduce((a, b) => a * b),
    ),
  );

/** The profiles that come with a model and fit its weights, fastest last. */
async function profilesOf(pipeline: Pipeline): Promise<ProfileDescription[]> {
  const names = await readdir(join(pipeline.folder, 'profiles')).catch(() => []);
  const found: ProfileDescription[] = [];
  for (const file of names.filter((name) => name.endsWith('.json'))) {
    try {
      const { name, fitted, measured, options } = await loadProfile(file.slice(0, -'.json'.length), pipeline);
      const { height, width, frames, steps } = fitted;
      const { hlc } = options;
      const leaps = hlc ? hlc.leaps : undefined;
      const target_quality = (leaps ? leaps.quality : undefined) ?? null;
      const setting = { size: `${width}x${height}`, num_frames: frames, steps };
      found.push({ name, ...setting, target_quality, ...figuresOf(measured) });
    } catch (error) {
      if (!(error instanceof QuantCacheError)) throw error; // fitted options of other policies, or of other weights
    }
  }
  return found.sort((a, b) => (a.speedup ?? 0) - (b.speedup ?? 0));
}

/** What calibration measured at the first number of steps. */
function figuresOf({ figures }: Readonly<Record<string, unknown>>): Pick<ProfileDescription, 'quality' | 'speedup'> {
  const [first] = Array.isArray(figures) ? (figures as Record<string, unknown>[]) : [];
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  return { quality: number(first?.psnr), speedup: number(first?.speedup) };
}
