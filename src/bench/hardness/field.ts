/**
 * The velocity field that a clip's trajectory runs through: what the network answers at any latents and any step, guidance
 * included, and Euler leaps along it. Numbers are on the CPU, where the oracle compares them.
 */

import { denoise, openPrompt, velocitiesOf } from '../../api/calibration.ts';
import { createTrace } from '../../api/trace.ts';
import { concatFrames, framesOf } from '../../api/video.ts';
import { type Clip, createPolicy, type Frames, type Pipeline, type Runtime } from '../../index.ts';
import type { Cell } from '../comparison.ts';

export interface FieldOptions {
  readonly numSteps: number;
  readonly guidanceScale: number;
  readonly signal?: AbortSignal;
  /** Told of every evaluation of the network. */
  readonly onEvaluation?: () => void;
}

export interface Field extends AsyncDisposable {
  /** The noise that the clip starts from. */
  readonly start: Float32Array;
  /** d latents / d time at a step, in latents per whole way from noise to data. */
  velocity(latents: Float32Array, step: number): Promise<Float32Array>;
  /** Latents some steps later, by an Euler step over all of them. */
  leap(latents: Float32Array, velocity: Float32Array, from: number, to: number): Float32Array;
  /** The clip of some latents. */
  decode(latents: Float32Array): Promise<Frames>;
}

/** The field of one prompt, and the noise of one seed. */
export async function openField(
  pipeline: Pipeline,
  runtime: Runtime,
  { prompt, seed }: Cell,
  { numSteps, guidanceScale, signal, onEvaluation }: FieldOptions,
): Promise<Field> {
  const geometry = pipeline.geometry({});
  const request = { prompts: [prompt], seed, numSteps: [numSteps], guidanceScale, signal };
  const loop = await openPrompt(pipeline, runtime, request, { prompt, seed, numSteps });
  const { timesteps, latents: noise } = loop.options;
  const { noiseLevels } = pipeline.network.schedule(geometry, numSteps);
  const { dims } = noise;
  return {
    start: (await runtime.read(noise)).slice(),
    async velocity(latents, step) {
      onEvaluation?.();
      const run = denoise({
        ...loop.options,
        timesteps: [timesteps[step]!],
        latents: runtime.tensor(latents.slice(), dims),
        policy: createPolicy('full'),
        precision: 'fp32',
        trace: createTrace(),
      });
      let next = await run.next();
      const parts = next.done ? [] : await velocitiesOf(runtime, next.value.output!, next.value.latents);
      next = await run.next();
      if (next.done) next.value.dispose();
      return guided(parts, guidanceScale);
    },
    leap(latents, velocity, from, to) {
      const share = noiseLevels[from]! - noiseLevels[to]!;
      return latents.map((value, i) => value + share * velocity[i]!);
    },
    async decode(latents) {
      const clips: Clip[] = [];
      const tensor = runtime.tensor(latents.slice(), dims);
      for await (const clip of pipeline.pixels.decode(tensor, geometry.numFrames, signal)) clips.push(clip);
      return framesOf(concatFrames(clips), geometry.fps);
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

/** Unconditional + scale (conditional - unconditional), where there are both. */
export function guided([conditional, unconditional]: readonly Float32Array[], scale: number): Float32Array {
  if (!unconditional) return conditional!;
  return unconditional.map((value, i) => value + scale * (conditional![i]! - value));
}

/** The latents of full computation before every step and after the last. */
export async function fullTrajectory(field: Field, numSteps: number): Promise<Float32Array[]> {
  const latents = [field.start];
  for (let step = 0; step < numSteps; step++) {
    const velocity = await field.velocity(latents[step]!, step);
    latents.push(field.leap(latents[step]!, velocity, step, step + 1));
  }
  return latents;
}

/** Root mean square of a difference. */
export function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
