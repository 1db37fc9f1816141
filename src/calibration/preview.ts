/**
 * The map from latents to small pictures (`preview/map.ts`), fitted by ridge regression to runs whose latents and pixels are
 * both known, and measured on runs that it was not fitted to.
 */
import { type Clip, samplesOf } from '../clip.ts';
import { finish, generate } from '../generate.ts';
import { psnr } from '../metrics/psnr.ts';
import type { Geometry } from '../model.ts';
import type { Pipeline, SizeRequest } from '../pipeline.ts';
import { fitWeights } from '../policies/quantcache/leaping/solve.ts';
import { drawLatents, fitToSize, gather, type PreviewMap, valuesOf } from '../preview/map.ts';
import { decideRun, generateOptionsOf } from '../run/decide.ts';
import type { RunOptions } from '../run/options.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Frames, frameAt, framesOf } from '../video/frames.ts';

export interface PreviewFitOptions extends SizeRequest, Pick<RunOptions, 'numSteps' | 'guidanceScale'> {
  /** One run each; the last quarter measures what the others were fitted to. At least two. */
  readonly prompts: readonly string[];
  /** Of the first prompt; the others count up. */
  readonly seed: number;
  readonly signal?: AbortSignal;
}

export interface PreviewFitEvent {
  readonly type: 'clip';
  readonly prompt: string;
  readonly done: number;
  readonly clips: number;
  /** Decibels of the map's pictures against the decoder's, for clips that it was not fitted to. */
  readonly psnr?: number;
}

export interface PreviewFit {
  readonly map: Omit<PreviewMap, 'format' | 'version'>;
  /** Of each clip that the map was not fitted to. */
  readonly unseen: readonly number[];
}

/** Digits of a weight: more change no pixel. */
const digits = 4;

/** Fits a map to a model. Throws what runs throw. */
export async function* fitPreview(
  pipeline: Pipeline,
  runtime: Runtime,
  { prompts, seed, signal, ...asked }: PreviewFitOptions,
): AsyncGenerator<PreviewFitEvent, PreviewFit> {
  const model = { name: pipeline.model, hash: await pipeline.hash() };
  const geometry = pipeline.geometry(asked);
  const { channels, height, width } = geometry.latent;
  const block = Math.floor(Math.min(geometry.height / height, geometry.width / width));
  const seen = prompts.length - Math.max(1, Math.floor(prompts.length / 4));
  const sums = createSums(valuesOf(channels), 3 * block ** 2);
  const unseen: number[] = [];
  let map: PreviewFit['map'] | undefined;
  for (const [i, prompt] of prompts.entries()) {
    const { run } = await decideRun(pipeline, { ...asked, prompts: [prompt], seed: seed + i });
    const made = await finish(generate(pipeline, runtime, { ...generateOptionsOf(run), signal }));
    const [latents] = samplesOf(made.latents, geometry.latent, 1);
    const frames = framesOf(made.videos[0]!, geometry.fps);
    const event = { type: 'clip', prompt, done: i + 1, clips: prompts.length } as const;
    if (i < seen) {
      addClip(sums, latents!, frames, block);
      yield event;
      continue;
    }
    map ??= { model, channels, block, weights: solveWeights(sums), measured: {} };
    const decibels = agreement(map, latents!, frames, geometry);
    unseen.push(decibels);
    yield { ...event, psnr: decibels };
  }
  return { map: map!, unseen };
}

/** Inner products of what pictures follow from, with itself and with every value of a block. */
interface Sums {
  readonly products: Float64Array[];
  readonly targets: Float64Array[];
}

const createSums = (columns: number, outputs: number): Sums => ({
  products: Array.from({ length: columns }, () => new Float64Array(columns)),
  targets: Array.from({ length: outputs }, () => new Float64Array(columns)),
});

function addClip({ products, targets }: Sums, latents: Clip, frames: Frames, block: number): void {
  const values = new Float32Array(products.length);
  for (let frame = 0; frame < latents.frames; frame++) {
    const picture = frameAt(frames, shownBy(frame, latents.frames, frames.count));
    for (let y = 0; y < latents.height; y++) {
      for (let x = 0; x < latents.width; x++) {
        gather(latents, frame, y, x, values);
        for (const [i, row] of products.entries()) for (let j = 0; j <= i; j++) row[j]! += values[i]! * values[j]!;
        for (const [i, row] of targets.entries()) {
          const [dy, dx] = [Math.floor(i / (3 * block)), Math.floor(i / 3) % block];
          const target = picture[((y * block + dy) * frames.width + x * block + dx) * 3 + (i % 3)]! / 127.5 - 1;
          for (const [j, value] of values.entries()) row[j]! += target * value;
        }
      }
    }
  }
}

/** The frame of a clip that a frame of its latents stands for: spread over the clip as the latents are, the ends included. */
const shownBy = (frame: number, latentFrames: number, frames: number): number =>
  Math.round((frame * (frames - 1)) / Math.max(1, latentFrames - 1));

function solveWeights(sums: Sums): number[][] {
  const products = sums.products.map((_, i) =>
    sums.products.map((_, j) => sums.products[Math.max(i, j)]![Math.min(i, j)]!),
  );
  const start = products.map(() => 0);
  return sums.targets.map((target) =>
    fitWeights({ products, targets: [...target], start }).map((weight) => Number(weight.toPrecision(digits))),
  );
}

/** Decibels of the map's pictures against those that they stand for. */
function agreement(map: PreviewFit['map'], latents: Clip, frames: Frames, { fps }: Geometry): number {
  const drawn = drawLatents(fitToSize(map, 1), latents, fps); // in blocks as they were fitted
  const { count, height, width } = drawn;
  const data = new Uint8Array(drawn.data.length);
  for (let picture = 0; picture < count; picture++) {
    const whole = frameAt(frames, shownBy(picture, count, frames.count));
    for (let y = 0; y < height; y++)
      data.set(
        whole.subarray(y * frames.width * 3, (y * frames.width + width) * 3),
        (picture * height + y) * width * 3,
      );
  }
  return psnr(data, drawn.data);
}
