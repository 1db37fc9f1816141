import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/layers.ts';
import type { Node, Precision } from '../../../model.ts';
import { activationRecorder } from '../../../quantization/activations.ts';
import { quantizationMethods } from '../../../quantization/recipes.ts';
import { createRuntime } from '../../../runtime/node.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { torchGenerator } from '../../../samplers/random.ts';
import { openCache } from '../../../weights/cache.ts';
import type { Stdit3Options } from './network.ts';
import { tinyConfig, tinyGeometry, tinyStdit3, tinyText } from './testing.ts';

const home = join(temporaryFolder(), 'home');
let runtime: Runtime;
/** On any processor as on one whose products of signed weights saturate. */
let unsigned: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  unsigned = await createRuntime({ threads: 1, integerProducts: 'saturates' });
});
afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  await unsigned[Symbol.asyncDispose]();
});

/** What every module of the first pair of blocks adds, all on the same hidden state. */
async function residuals(
  precision: Precision,
  options: Stdit3Options = {},
  on = runtime,
): Promise<Map<string, Float32Array>> {
  const network = await tinyStdit3(on, 1, { cache: openCache(home), ...options });
  try {
    const text = { conditional: tinyText(), unconditional: await network.nullCaption() };
    const denoiser = await network.begin({ text, geometry: tinyGeometry });
    const { channels, frames, height, width } = tinyGeometry.latent;
    const latents = torchGenerator(4).randn(channels * frames * height * width);
    const evaluation = await denoiser.evaluate(on.tensor(latents, [1, channels, frames, height, width]), 500);
    const added = new Map<string, Float32Array>();
    for (const node of network.blocks.slice(0, 2).flatMap((block): readonly Node[] => block.children!)) {
      const { residual } = await evaluation.run(node, evaluation.hidden, { precision, residual: true });
      added.set(node.path, (await on.read(residual!)).slice());
    }
    return added;
  } finally {
    await network.close();
  }
}

function largestOf(errors: Map<string, number>): number {
  return Math.max(...errors.values());
}

function errorsOf(actual: Map<string, Float32Array>, expected: Map<string, Float32Array>): Map<string, number> {
  return new Map(
    [...expected].map(([path, values]) => {
      const other = actual.get(path)!;
      const size = values.reduce((sum, value) => sum + value ** 2, 0);
      return [path, Math.sqrt(values.reduce((sum, value, i) => sum + (value - other[i]!) ** 2, 0) / size)];
    }),
  );
}

describe('modules in integers are close to float32', () => {
  // Measured, with a margin of about a third.
  it.each([
    ['w8a8', 0.018],
    ['w4a8', 0.22],
    ['w4a6', 0.22],
  ] as const)('%s', async (precision, bound) => {
    const found = await residuals(precision);
    const errors = errorsOf(found, await residuals('fp32'));
    expect(errors.size).toBe(6);
    expect(largestOf(errors)).toBeLessThan(bound);
    expect(Math.min(...errors.values())).toBeGreaterThan(1e-4);
    expect(await residuals(precision, {}, unsigned)).toEqual(found);
  });

  it('smoothing from recorded activations folds into the modulation and keeps the result', async () => {
    const recorder = activationRecorder();
    const expected = await residuals('fp32', { recorder });
    expect([...recorder.maxima.keys()].filter((name) => name.startsWith('spatial_blocks.0.'))).toHaveLength(6);
    expect(recorder.maxima.get('spatial_blocks.0.mlp.fc2')).toHaveLength(tinyConfig.mlpSize);
    expect(await residuals('fp32')).toEqual(expected);
    const recipe = { ...quantizationMethods.smoothquant!.recipe(8) };
    const maxima = new Map(recorder.maxima);
    // Only the first blocks ran; the others are not asked for, but are packed with them.
    for (const [name, values] of recorder.maxima) maxima.set(name.replace('_blocks.0.', '_blocks.1.'), values);
    const smoothed = await residuals('w8a8', { recipes: { w8a8: recipe }, maxima });
    expect(largestOf(errorsOf(smoothed, expected))).toBeLessThan(0.04);
  });
});
