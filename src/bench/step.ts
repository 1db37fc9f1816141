/** Time per denoising step and per kind of module under full computation, and the memory it takes. */

import { median } from '../api/metrics.ts';
import { sizeOf } from '../api/models.ts';
import {
  createPolicy,
  finish,
  type GenerateOptions,
  generate,
  type Pipeline,
  type Precision,
  type Runtime,
  type SizeRequest,
} from '../index.ts';
import { describeMachine, type Machine, peakMemory } from './machine.ts';

export interface StepBenchOptions extends SizeRequest {
  readonly prompt: string;
  readonly numSteps: number;
  readonly seed: number;
  readonly precision?: Precision;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, milliseconds: number) => void;
}

export interface StepBenchResult {
  readonly machine: Machine;
  readonly model: string;
  readonly seed: number;
  readonly clip: { height: number; width: number; numFrames: number; tokens: number };
  /** Milliseconds of each step; the first one also compiles graphs and reads weights. */
  readonly steps: readonly number[];
  readonly medianStep: number;
  /**
   * Median milliseconds per step spent in all modules of a kind, the first step left out. Empty where a step ran as one
   * graph, whose modules have no times of their own.
   */
  readonly kinds: Readonly<Record<string, number>>;
  readonly gflopPerStep: number;
  /** Giga-operations per second at the median step. */
  readonly gflops: number;
  readonly times: Readonly<Record<string, number>>;
  readonly peakBytes: number;
}

/** Generates one clip with full computation and measures it. */
export async function benchStep(
  pipeline: Pipeline,
  runtime: Runtime,
  options: StepBenchOptions,
): Promise<StepBenchResult> {
  const machine = describeMachine(runtime);
  const settings: GenerateOptions = {
    ...sizeOf(options),
    prompts: [options.prompt],
    policy: createPolicy('full'),
    numSteps: options.numSteps,
    seed: options.seed,
    precision: options.precision,
    signal: options.signal,
  };
  const result = await finish(generate(pipeline, runtime, settings), (event) => {
    if (event.type === 'step') options.onStep?.(event.step, event.milliseconds);
  });
  const { geometry, trace } = result;
  const modules = pipeline.network.blocks.flatMap((block) => block.children!);
  const kindOf = new Map(modules.map((module) => [module.path, module.kind]));
  const steps = trace.decisions.filter(({ level }) => level === 'step').map(({ milliseconds }) => milliseconds!);
  const kinds: Record<string, number[]> = {};
  for (const { path, step, milliseconds } of trace.decisions) {
    const kind = kindOf.get(path);
    if (kind === undefined || milliseconds === undefined) continue;
    kinds[kind] ??= steps.map(() => 0);
    kinds[kind][step]! += milliseconds;
  }
  const settled = <T>(values: readonly T[]): readonly T[] => (values.length > 1 ? values.slice(1) : values);
  const medianStep = median(settled(steps));
  const flops = modules.reduce((sum, module) => sum + pipeline.costs.of(module, geometry).flops, 0);
  const { height, width, numFrames } = geometry;
  const [, frames, perFrame] = pipeline.costs.hiddenDims(geometry);
  return {
    machine,
    model: pipeline.model,
    seed: options.seed,
    clip: {
      height,
      width,
      numFrames,
      tokens: frames * perFrame,
    },
    steps,
    medianStep,
    kinds: Object.fromEntries(Object.entries(kinds).map(([kind, values]) => [kind, median(settled(values))])),
    gflopPerStep: flops / 1e9,
    gflops: flops / 1e6 / medianStep,
    times: result.times,
    peakBytes: peakMemory(),
  };
}
