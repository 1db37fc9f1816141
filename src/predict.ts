/** What a step says that the run will come to: the clean latents straight ahead of it. */
import type { DenoiseStep } from './denoise.ts';
import type { Runtime } from './runtime/runtime.ts';

/** What the samplers know of a step. */
export interface StepSetting {
  /** Of the step's input, 1 for noise and 0 for data. */
  readonly noiseLevel: number;
  readonly guidanceScale: number;
}

/**
 * The latents `[prompts, channels, frames, height, width]` that a straight flow from the step's input would end at, in the
 * notation of `sampler.ts`; given frames are what they are. Undefined where the step was leapt over. Its tensors are borrowed:
 * ask before the next step.
 */
export async function predictClean(
  runtime: Pick<Runtime, 'read'>,
  { input, output, frameMask }: Pick<DenoiseStep, 'input' | 'output' | 'frameMask'>,
  { noiseLevel, guidanceScale }: StepSetting,
): Promise<Float32Array | undefined> {
  if (!input || !output) return undefined;
  const [prompts, channels, frames, ...sides] = input.dims as [number, number, number, ...number[]];
  const [rows, outputChannels] = output.dims as [number, number];
  const plane = sides.reduce((size, side) => size * side, 1);
  const latents = (await runtime.read(input)).slice();
  const velocities = await runtime.read(output);
  const guided = rows === 2 * prompts;
  const sample = frames * plane;
  for (let prompt = 0; prompt < prompts; prompt++) {
    const unconditional = (prompt + prompts) * outputChannels * sample;
    for (let i = 0; i < channels * sample; i++) {
      if (frameMask && !frameMask[prompt]![Math.floor(i / plane) % frames]) continue;
      let velocity = velocities[prompt * outputChannels * sample + i]!;
      if (guided) {
        const without = velocities[unconditional + i]!;
        velocity = without + guidanceScale * (velocity - without);
      }
      latents[prompt * channels * sample + i]! += noiseLevel * velocity;
    }
  }
  return latents;
}
