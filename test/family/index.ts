/**
 * A made-up family of models, which shares nothing with those in `src/models` but the interfaces: other kinds of nodes, another
 * sampler, a negative prompt, no given frames, no loops, no options of its own.
 */
import type { Clip } from '../../src/clip.ts';
import { QuantCacheError } from '../../src/index.ts';
import type { TextContext } from '../../src/model.ts';
import type { Family } from '../../src/models/family.ts';
import type { Pipeline } from '../../src/pipeline.ts';
import type { SamplerMethod } from '../../src/sampler.ts';
import { euler } from '../../src/samplers/euler.ts';
import { samplers } from '../../src/samplers/index.ts';
import { multistep } from '../../src/samplers/multistep.ts';
import type { Verifier } from '../../src/verification/case.ts';
import { beginNetwork, blocks, channels, textWidth, width } from './network.ts';

const [frames, height, latentSide, scale] = [3, 32, 8, 4] as const;

/** Steps to the predicted data, and leaps as any straight flow takes them. */
const dataSteps: SamplerMethod = {
  description: 'one step towards the predicted data at a time',
  create(runtime, options) {
    const steps = multistep(runtime, options, { name: 'data-steps', order: 1, predicts: 'data', corrects: false });
    const leaps = euler(runtime, options);
    return {
      ...steps,
      leap: leaps.leap,
      async dispose() {
        await steps.dispose();
        await leaps.dispose();
      },
    };
  },
};

/** A text as its first letters. */
function encode(texts: readonly string[]): TextContext {
  const states = Float32Array.from(
    texts.flatMap((text) => Array.from({ length: textWidth }, (_, i) => ((text.charCodeAt(i) || 32) % 32) / 32 - 0.5)),
  );
  return { states, dims: [texts.length, 1, textWidth] };
}

const open: Family['open'] = async (runtime, model, folder): Promise<Pipeline> => ({
  model,
  folder,
  hash: async () => 'mixer',
  warnings: [],
  defaults: { height, width: height, numFrames: frames, fps: 6, numSteps: 8, guidanceScale: 3 },
  limits: {
    side: { least: height, most: height },
    mostArea: height * height,
    frameMultiple: frames,
    mostFrames: frames,
    fps: { least: 6, most: 6 },
    namedSizes: [],
    negativePrompt: true,
  },
  geometry: () => ({
    height,
    width: height,
    numFrames: frames,
    fps: 6,
    latent: { channels, frames, height: latentSide, width: latentSide },
  }),
  text: {
    prepare: (prompt) => ({
      textFor: () => prompt,
      references: [],
      unknownWords: [],
      removedText: [],
      unreadWords: [],
    }),
    encode: async ({ texts, negativePrompt = '', guided }) => ({
      conditional: encode(texts),
      unconditional: guided ? encode([negativePrompt]) : undefined,
    }),
  },
  condition({ geometry: { latent }, prompts, references, randn }) {
    if (references?.some((clips) => clips.length > 0))
      throw new QuantCacheError('invalid_option', 'The mixer takes no references; leave them out.');
    return {
      next: async () => ({ latents: randn(prompts.length * channels * latent.frames * latent.height * latent.width) }),
    };
  },
  network: {
    blocks,
    samplers: { 'data-steps': dataSteps, unipc: samplers.unipc, heun: samplers.heun },
    schedule(_, numSteps) {
      const noiseLevels = Array.from({ length: numSteps + 1 }, (__, i) => (1 - i / numSteps) * 0.999);
      return {
        noiseLevels,
        timesteps: Float32Array.from(noiseLevels.slice(0, -1), (level) => Math.trunc(level * 1000)),
      };
    },
    begin: (conditioning) => beginNetwork(runtime, conditioning),
  },
  pixels: {
    overlap: 0,
    async *decode(latents) {
      const values = await runtime.read(latents);
      const plane = latentSide * latentSide;
      for (let frame = 0; frame < frames; frame++) {
        const data = Float32Array.from({ length: 3 * height * height }, (_, i) => {
          const [row, column] = [Math.floor((i % (height * height)) / height), i % height];
          const place = Math.floor(row / scale) * latentSide + Math.floor(column / scale);
          const channel = Math.floor(i / (height * height)) % channels;
          return Math.tanh(values[(channel * frames + frame) * plane + place]!);
        });
        yield { data, channels: 3, frames: 1, height, width: height } satisfies Clip;
      }
    },
  },
  costs: {
    of: () => ({ parameters: 10, bytes: 40, flops: 1e6 }),
    hiddenDims: () => [2, frames, latentSide * latentSide, width],
    weightBytes: { mixer: 240 },
  },
  publishedOptions: () => ({}),
  async [Symbol.asyncDispose]() {},
});

/** Twice the input is the output. */
const verifyDoubling: Verifier = async function* (_, reference) {
  const { data } = await reference.read('inputs/x');
  const expected = (await reference.read('outputs/y')).data;
  yield { tensor: 'outputs/y', expected, actual: data.map((value) => 2 * value) };
};

/** The line of the registry. */
export const mixer: Family = { types: ['mixer'], open, verifiers: { mixer_doubling: verifyDoubling } };
