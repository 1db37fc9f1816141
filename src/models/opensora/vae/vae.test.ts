/** The VAE against the original code (every reference case), the published list of tensors, and itself when encoding. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clip, concatFrames, dimsOf, sliceFrames } from '../../../clip.ts';
import { createRuntime } from '../../../runtime/node.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { configured, openCases, type ReferenceCase } from '../../../verification/case.ts';
import { verifyKinds } from '../../../verification/testing.ts';
import { relativeErrorOf } from '../../../verification/verify.ts';
import { type Weights, weightsOf } from '../../../weights/checkpoint.ts';
import { latentFrameCount } from '../sizes.ts';
import { verifyJointVae, verifySpatialVae, verifyTemporalVae } from '../verify/vae.ts';
import { spatialCoder, temporalCoder } from './coders.ts';
import { parseSpatialConfig, parseTemporalConfig, parseVaeConfig } from './config.ts';
import { loadVae } from './index.ts';
import { vaeShapes } from './weights.ts';

const golden = 'test/fixtures/golden';
let runtime: Runtime;
let cases: Map<string, ReferenceCase>;
beforeAll(async () => {
  runtime = await createRuntime();
  cases = new Map((await openCases(golden)).map((reference) => [reference.name, reference]));
});
afterAll(() => runtime[Symbol.asyncDispose]());

it('equals the original in every tensor of every case', async () => {
  const verifiers = { vae_spatial: verifySpatialVae, vae_temporal: verifyTemporalVae, vae_joint: verifyJointVae };
  const results = await verifyKinds(runtime, golden, verifiers);
  expect(results.length).toBeGreaterThanOrEqual(16);
  expect(results.filter((result) => !result.pass)).toEqual([]);
});

it('refuses a case with a tensor that it cannot compute', async () => {
  const reference = { ...cases.get('vae_spatial')!, names: (prefix: string) => [`${prefix}unheard_of`] };
  await expect(verifySpatialVae(runtime, reference).next()).rejects.toThrow('outputs/unheard_of');
});

it('expects the tensors of the published checkpoint', async () => {
  const published = new Map<string, number[]>([
    ['scale', [1, 4, 1, 1, 1]],
    ['shift', [1, 4, 1, 1, 1]],
  ]);
  for (const [prefix, file] of [
    ['spatial_vae.module', 'params_vae_spatial_sdxl'],
    ['temporal_vae', 'params_vae_temporal'],
  ]) {
    const list = JSON.parse(await readFile(`${golden}/${file}.json`, 'utf8')) as Record<string, number[]>;
    for (const [name, shape] of Object.entries(list)) published.set(`${prefix}.${name}`, shape);
  }
  const sorted = (shapes: Iterable<[string, readonly number[]]>) => [...shapes].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(vaeShapes(parseVaeConfig({})))).toEqual(sorted(published));
});

it('counts latent frames as the sizes of a request do', () => {
  const { latentFrames } = loadVae(runtime, small().weights, small().config);
  for (const frames of [1, 17, 18, 34, 40, 51, 102, 816]) expect(latentFrames(frames)).toBe(latentFrameCount(frames));
});

it('refuses a config with more or fewer scales than channels', () => {
  const { weights, config } = small();
  expect(() => loadVae(runtime, weights, { ...config, shift: [0, 0, 0] })).toThrow(
    /shift has 3 numbers for \d channels/,
  );
});

describe('encoding', () => {
  it('samples both posteriors with noise in the order of the original', async () => {
    const { config, weights } = small();
    const vae = loadVae(runtime, weights, config);
    const clip = ramp({ channels: 3, frames: 21, height: 18, width: 25 }); // 2x3 latents: sizes are rounded down
    const asked: number[] = [];
    const draws: Float32Array[] = [];
    const encoded = await vae.encode(clip, (count) => {
      asked.push(count);
      draws.push(ramp({ channels: 1, frames: 1, height: 1, width: count }, asked.length).data);
      return draws.at(-1)!;
    });
    // Spatial: 4 channels of 2x3 for micro batches of 4 frames and one of 1; temporal: chunks of 17 and 4 frames.
    expect(asked).toEqual([96, 96, 96, 96, 96, 24, 120, 24]);
    expect(dimsOf(encoded)).toEqual([1, 4, vae.latentFrames(21), 2, 3]);

    const { scalingFactor } = config;
    const spatial = spatialCoder(runtime, weights.scope('spatial_vae.module'), { ...config.spatial, scalingFactor });
    const frames = [];
    for (let frame = 0; frame < 21; frame++) {
      const { mean, logvar } = await spatial.encode(sliceFrames(clip, frame, frame + 1), new Float32Array(24));
      const noise = draws[Math.floor(frame / 4)]!.subarray((frame % 4) * 24);
      frames.push({ ...mean, data: mean.data.map((m, i) => sample(m, logvar.data[i]!, noise[i]!) * 0.18215) });
    }
    const temporal = temporalCoder(runtime, weights.scope('temporal_vae'), config.temporal);
    const whole = concatFrames(frames);
    const chunks = [];
    for (const [start, noise] of [
      [0, draws[6]!],
      [17, draws[7]!],
    ] as const) {
      const { mean, logvar } = await temporal.encode(
        sliceFrames(whole, start, start + 17),
        new Float32Array(noise.length),
      );
      chunks.push({ ...mean, data: mean.data.map((m, i) => sample(m, logvar.data[i]!, noise[i]!)) });
    }
    const expected = concatFrames(chunks);
    const perChannel = expected.data.length / 4;
    const scaled = expected.data.map((z, i) => {
      const channel = Math.floor(i / perChannel);
      return (z - config.shift[channel]!) / config.scale[channel]!;
    });
    expect(relativeErrorOf({ tensor: 'sample', expected: scaled, actual: encoded.data })).toBeLessThan(2e-5);
    await Promise.all([vae.dispose(), spatial.dispose(), temporal.dispose()]);
  });
});

describe('stopping', () => {
  it('ends encoding between batches, before time is encoded and between its chunks', async () => {
    const { config, weights } = small();
    const vae = loadVae(runtime, weights, config);
    const clip = ramp({ channels: 3, frames: 21, height: 16, width: 16 });
    const zeros = (count: number) => new Float32Array(count);
    // Noise is drawn for six groups of frames and then for two chunks; stopping at one draw must prevent the next.
    for (const last of [1, 3, 6, 7]) {
      const controller = new AbortController();
      let draws = 0;
      const draw = (count: number) => {
        if (++draws === last) controller.abort();
        return zeros(count);
      };
      await expect(vae.encode(clip, draw, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
      expect(draws).toBe(last);
    }
    await vae.dispose();
  });

  it('ends features between batches', async () => {
    const vae = loadVae(runtime, small().weights, small().config);
    const clip = ramp({ channels: 3, frames: 9, height: 128, width: 128 });
    const controller = new AbortController();
    const batches = vae.features!(clip, { signal: controller.signal });
    expect((await batches.next()).value[0].frames).toBe(8);
    controller.abort();
    await expect(batches.next()).rejects.toMatchObject({ code: 'aborted' });
    await vae.dispose();
  });
});

describe('features', () => {
  it('are the hidden states of every resolution, for all frames in order', async () => {
    const { config, weights } = small();
    const vae = loadVae(runtime, weights, config);
    const clip = ramp({ channels: 3, frames: 5, height: 16, width: 24 });
    const seen = async (part: Clip) => {
      const batches: (readonly Clip[])[] = [];
      for await (const layers of vae.features!(part)) batches.push(layers);
      return batches[0]!.map((_, level) => concatFrames(batches.map((layers) => layers[level]!)));
    };
    const whole = await seen(clip);
    expect(whole.map(dimsOf)).toEqual(
      config.spatial.blockOutChannels.map((channels, level) => [1, channels, 5, 16 / 2 ** level, 24 / 2 ** level]),
    );
    for (const [level, layer] of (await seen(sliceFrames(clip, 3, 4))).entries())
      expect(
        relativeErrorOf({ tensor: 'layer', expected: sliceFrames(whole[level]!, 3, 4).data, actual: layer.data }),
      ).toBeLessThan(1e-5);
    await vae.dispose();
  });

  it('are absent where there is no encoder', () => {
    const { config, weights } = small();
    const names = weights.names().filter((name) => !/\.(encoder|quant_conv)\./.test(name));
    expect(loadVae(runtime, weightsOf(names.map(weights.get)), config).features).toBeUndefined();
  });
});

describe('decoding', () => {
  it('takes scale and shift from the checkpoint before the config', async () => {
    const { config, weights } = small();
    const other = loadVae(runtime, weights, { ...config, scale: [1, 1, 1, 1], shift: [0, 0, 0, 0] });
    const plain = temporalCoder(runtime, weights.scope('temporal_vae'), config.temporal);
    const latents = ramp({ channels: 4, frames: 5, height: 2, width: 3 });
    const actual = await first(other.decodeTime(runtime.tensor(latents.data, dimsOf(latents)), 17));
    expect(actual.data).toEqual((await plain.decode(latents, 17)).data);
    await Promise.all([other.dispose(), plain.dispose()]);
  });

  it('refuses latents of another length', async () => {
    const vae = loadVae(runtime, small().weights, small().config);
    const latents = runtime.tensor(new Float32Array(4 * 5 * 6), [1, 4, 5, 2, 3]);
    await expect(vae.decode(latents, 51).next()).rejects.toThrow(
      '51 frames are 15 latent frames, but the latents have 5',
    );
  });

  it('stops when asked to and works again after being disposed of', async () => {
    const vae = loadVae(runtime, small().weights, small().config);
    const latents = runtime.tensor(new Float32Array(4 * 5 * 6), [1, 4, 5, 2, 3]);
    const controller = new AbortController();
    const decoding = vae.decode(latents, 17, { signal: controller.signal });
    expect((await decoding.next()).value.channels).toBe(3);
    await vae.dispose();
    controller.abort();
    await expect(vae.decode(latents, 17, { signal: controller.signal }).next()).rejects.toMatchObject({
      code: 'aborted',
    });
    expect((await first(vae.decode(latents, 17))).channels).toBe(3);
    await vae.dispose();
  });

  it('stops between chunks and between batches of a chunk', async () => {
    const vae = loadVae(runtime, small().weights, small().config);
    // Frames of this size come in batches of eight, the spatial VAE's activations being what they are.
    const latents = runtime.tensor(new Float32Array(4 * 10 * 256), [1, 4, 10, 16, 16]);
    const parts = { decode: vae.decode, decodeTime: vae.decodeTime };
    for (const [name, decode] of Object.entries(parts)) {
      const controller = new AbortController();
      const decoding = decode(latents, 34, { signal: controller.signal });
      expect((await decoding.next()).value.frames, name).toBe(name === 'decode' ? 8 : 17);
      controller.abort();
      await expect(decoding.next(), name).rejects.toMatchObject({ code: 'aborted' });
    }
    await vae.dispose();
  });

  it('names the tensors that a checkpoint lacks', () => {
    const { config, weights } = small();
    const missing = 'spatial_vae.module.decoder.conv_in.weight';
    const rest = weightsOf(
      weights
        .names()
        .filter((name) => name !== missing)
        .map(weights.get),
    );
    expect(() => loadVae(runtime, rest, config)).toThrow(missing);
  });
});

/** The networks of the two reference cases as one VAE, encoders included. */
function small(): { config: ReturnType<typeof parseVaeConfig>; weights: Weights } {
  const spatial = cases.get('vae_spatial')!;
  const temporal = cases.get('vae_temporal')!;
  const renamed = (prefix: string, { weights }: ReferenceCase) =>
    weights.names().map((name) => ({ ...weights.get(name), name: `${prefix}.${name}` }));
  return {
    config: {
      ...parseVaeConfig({}),
      spatial: parseSpatialConfig(spatial.parse(configured).config),
      temporal: parseTemporalConfig(temporal.parse(configured).config),
    },
    weights: weightsOf([...renamed('spatial_vae', spatial), ...renamed('temporal_vae', temporal)]),
  };
}

/** A clip of distinct smooth numbers in [-1, 1]. */
function ramp(size: Omit<Clip, 'data'>, phase = 0): Clip {
  const length = size.channels * size.frames * size.height * size.width;
  return { ...size, data: Float32Array.from({ length }, (_, i) => Math.sin(0.37 * i + phase)) };
}

const sample = (mean: number, logvar: number, noise: number): number => mean + Math.exp(logvar / 2) * noise;

async function first(clips: AsyncGenerator<Clip>): Promise<Clip> {
  for await (const clip of clips) return clip;
  throw new Error('no clip');
}
