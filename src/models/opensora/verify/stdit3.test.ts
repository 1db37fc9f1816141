/** Samples of one batch that differ in time, rate or given frames: against recorded values, and each against itself alone. */
import { afterAll, expect, test } from 'vitest';
import { expectSame } from '../../../../test/layers.ts';
import { createRuntime } from '../../../runtime/node.ts';
import { torchGenerator } from '../../../samplers/random.ts';
import { verifyKinds } from '../../../verification/testing.ts';
import { tinyGeometry, tinyStdit3, tinyText } from '../stdit3/testing.ts';
import { verifyStdit3 } from './stdit3.ts';

const runtime = await createRuntime({ threads: 1 });
const network = await tinyStdit3(runtime);
afterAll(async () => {
  await network.close();
  await runtime[Symbol.asyncDispose]();
});

test('own timesteps and given frames at one frame rate, as the original', async () => {
  const results = await verifyKinds(runtime, 'test/fixtures/recorded', { stdit3_forward: verifyStdit3 });
  expect(results).toMatchObject([{ tensor: 'outputs/out', pass: true }]);
});

interface Sample {
  readonly time: number;
  readonly rate: number;
  readonly given?: number;
}

const { channels, frames, height, width } = tinyGeometry.latent;
const size = channels * frames * height * width;
const latents = torchGenerator(4).randn(3 * size);
const states = torchGenerator(5).randn(3 * tinyText().states.length);

/** The output for some samples, `first` being the first one's place among three. */
async function outputOf(samples: readonly Sample[], first: number, guided: boolean) {
  const { dims } = tinyText();
  const rows = dims[1] * dims[2];
  const conditional = {
    states: states.slice(first * rows, (first + samples.length) * rows),
    dims: [samples.length, dims[1], dims[2]] as const,
  };
  const text = { conditional, ...(guided && { unconditional: tinyText(9) }) };
  const frameRates = samples.map(({ rate }) => rate);
  const denoiser = await network.begin({ text, geometry: tinyGeometry, frameRates });
  const input = runtime.tensor(latents.slice(first * size, (first + samples.length) * size), [
    samples.length,
    channels,
    frames,
    height,
    width,
  ]);
  const masks = samples.map(({ given = 0 }) => Array.from({ length: frames }, (_, frame) => frame >= given));
  const masked = samples.some(({ given }) => given);
  const evaluation = await denoiser.evaluate(
    input,
    samples.map(({ time }) => time),
    masked ? masks : undefined,
  );
  const { hidden } = await evaluation.run(network.blocks[0]!.children![0]!, evaluation.hidden, {
    precision: 'fp32',
    residual: false,
  });
  const parts = network.blocks[1]!.children!.map((module) => ({ module, precision: 'fp32' as const }));
  const together = (await evaluation.runTogether!({ parts, residuals: [] }, hidden))!;
  const output = await evaluation.finish(together.hidden);
  return { data: (await runtime.read(output)).slice(), dims: output.dims };
}

const alike = { time: 500, rate: 24 };
test.each<[string, readonly Sample[]]>([
  ['alike', [alike, alike, alike]],
  ['own times', [alike, { ...alike, time: 900 }, { ...alike, time: 20 }]],
  ['own rates', [alike, { ...alike, rate: 8 }, { ...alike, rate: 60 }]],
  ['given frames', [{ ...alike, given: 1 }, { ...alike, given: 2 }, alike]],
  [
    'given frames alike',
    [
      { ...alike, given: 1 },
      { ...alike, given: 1 },
      { ...alike, given: 1 },
    ],
  ],
  [
    'given frames, own times',
    [
      { ...alike, given: 1 },
      { ...alike, time: 900 },
      { ...alike, time: 20, given: 3 },
    ],
  ],
  [
    'given frames, own rates',
    [
      { ...alike, given: 1 },
      { ...alike, rate: 8 },
      { ...alike, rate: 60, given: 3 },
    ],
  ],
])('%s: a sample of three is what it is alone', async (_, samples) => {
  for (const guided of [false, true]) {
    const together = await outputOf(samples, 0, guided);
    const [count, ...each] = together.dims;
    const numbers = together.data.length / count!;
    for (const [i, sample] of samples.entries()) {
      // A sample alone needs no mask where none of its frames are given; with one, they count as denoised.
      const alone = await outputOf([sample], i, guided);
      const half = (row: number) => together.data.slice(row * numbers, (row + 1) * numbers);
      const rows = guided ? [i, i + samples.length] : [i];
      for (const [part, row] of rows.entries()) {
        const expected = alone.data.slice(part * numbers, (part + 1) * numbers);
        expectSame({ data: half(row), shape: each }, { data: expected, shape: each }, 2e-6);
      }
    }
  }
});
