/**
 * Reference cases of the VAE, made by the original code, against ours: what a case expects and what we compute.
 *
 * A case is generic: sizes come from its `config`, its tensors are found by name (`decoded_T5_frames17` is the decoding of
 * `z_T5` to 17 frames), and a batch of several clips is run clip by clip. Invariant: every tensor of a case is compared; a
 * name that is not understood is an error.
 */

import * as z from 'zod';
import { type Clip, clipOf, concatFrames, dimsOf } from '../../../clip.ts';
import { QuantCacheError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { type Comparison, configured, type Numbers, type ReferenceCase } from '../../../verification/case.ts';
import { type Encoded, spatialCoder, temporalCoder } from '../vae/coders.ts';
import { parseSpatialConfig, parseTemporalConfig, parseVaeConfig } from '../vae/config.ts';
import { loadVae } from '../vae/index.ts';

const spatialSchema = z.object({
  config: z.looseObject({ scaling_factor_used_by_opensora: z.number().default(0.18215) }),
});

/** Cases of the kind `vae_spatial`: `z` is decoded, `image` encoded; encodings have frames as their batch. */
export async function* verifySpatialVae(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { config: given } = reference.parse(spatialSchema);
  const config = { ...parseSpatialConfig(given), scalingFactor: given.scaling_factor_used_by_opensora };
  const vae = spatialCoder(runtime, reference.weights.scope('module'), config);
  const encode = async (part: keyof Encoded) => {
    const images = clipsOf(await reference.read('inputs/image'));
    return joined(images, async (image) => framesFirst((await vae.encode(image, zeros(vae.noiseDims(image))))[part]));
  };
  yield* compareAll(reference, async (name) => {
    switch (name) {
      case 'decoded':
        return joined(clipsOf(await reference.read('inputs/z')), async (z) => (await vae.decode(z)).data);
      case 'encode_mean':
        return encode('mean');
      case 'encode_logvar':
        return encode('logvar');
      case 'encode_mode_scaled':
        return encode('sample'); // without noise the sample is the mode
    }
  });
  await vae.dispose();
}

/** Cases of the kind `vae_temporal`: `decoded_T5_frames17` of `z_T5`, `enc_mean_frames6` of `x_frames6`. */
export async function* verifyTemporalVae(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const vae = temporalCoder(runtime, reference.weights, parseTemporalConfig(reference.parse(configured).config));
  yield* compareAll(reference, async (name) => {
    const decoded = /^decoded_(T\d+)_frames(\d+)$/.exec(name);
    if (decoded) {
      const latents = clipsOf(await reference.read(`inputs/z_${decoded[1]}`));
      return joined(latents, async (z) => (await vae.decode(z, Number(decoded[2]))).data);
    }
    const encoded = /^enc_(mean|logvar)_(frames\d+)$/.exec(name);
    if (!encoded) return;
    const clips = clipsOf(await reference.read(`inputs/x_${encoded[2]}`));
    const part = encoded[1] as 'mean' | 'logvar';
    return joined(clips, async (clip) => (await vae.encode(clip, zeros(vae.noiseDims(clip))))[part].data);
  });
  await vae.dispose();
}

/** Cases of the kind `vae_joint`: `decoded_frames40` of `z_frames40`, and `x_z_frames40` between the two VAEs. */
export async function* verifyJointVae(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const vae = loadVae(runtime, reference.weights, parseVaeConfig(reference.parse(configured).config));
  yield* compareAll(reference, async (name) => {
    const found = /^(decoded|x_z)_frames(\d+)$/.exec(name);
    if (!found) return;
    const numFrames = Number(found[2]);
    return joined(clipsOf(await reference.read(`inputs/z_frames${numFrames}`)), async (z) => {
      const latents = runtime.tensor(z.data, dimsOf(z));
      const decode = found[1] === 'decoded' ? vae.decode : vae.decodeTime;
      const parts: Clip[] = [];
      for await (const part of decode(latents, numFrames)) parts.push(part);
      latents.dispose();
      return concatFrames(parts).data;
    });
  });
  await vae.dispose();
}

/** Compares every output and intermediate tensor of a case. */
async function* compareAll(
  reference: ReferenceCase,
  compute: (name: string) => Promise<Float32Array | undefined>,
): AsyncGenerator<Comparison> {
  for (const tensor of [...reference.names('outputs/'), ...reference.names('inter/')]) {
    const actual = await compute(tensor.slice(tensor.indexOf('/') + 1));
    if (!actual) {
      const message = `Cases of the kind ${reference.kind} have no rule to compute ${tensor}.`;
      throw new QuantCacheError('unsupported_format', message);
    }
    yield { tensor, expected: (await reference.read(tensor)).data, actual };
  }
}

/** The clips of a batch `[batch, channels, frames, height, width]`. */
function clipsOf({ data, dims }: Numbers): Clip[] {
  const size = data.length / dims[0]!;
  return Array.from({ length: dims[0]! }, (_, i) => clipOf(data.subarray(i * size, (i + 1) * size), dims));
}

/** What is computed of each clip, one after the other. */
async function joined(clips: Clip[], compute: (clip: Clip) => Promise<Float32Array>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const clip of clips) parts.push(await compute(clip));
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

/** The numbers of a clip as `[frames, channels, height, width]`. */
function framesFirst({ data, channels, frames, height, width }: Clip): Float32Array {
  const plane = height * width;
  const result = new Float32Array(data.length);
  for (let frame = 0; frame < frames; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (channel * frames + frame) * plane;
      result.set(data.subarray(from, from + plane), (frame * channels + channel) * plane);
    }
  }
  return result;
}

const zeros = (dims: readonly number[]): Float32Array =>
  new Float32Array(dims.reduce((count, size) => count * size, 1));
