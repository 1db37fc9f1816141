/**
 * What each precision makes of each kind of module: whole module graphs with random weights, everything included
 * (norm, modulation, quantize, dequantize, bias, gate, residual), interleaved so that a busy machine is busy for all.
 */
import { median } from '../api/metrics.ts';
import { families } from '../api/models.ts';
import { type QuantizationOptions, simulation } from '../api/quantization.ts';
import { createRuntime, type Precision, type Runtime, type Session, type Tensor } from '../index.ts';
import { describeMachine, type Machine } from './machine.ts';

export interface KernelBenchOptions {
  readonly hiddenSize?: number;
  readonly numHeads?: number;
  /** `[batch, frames, tokens]`; 2048 rows by default. */
  readonly shape?: readonly [number, number, number];
  readonly captionLength?: number;
  readonly precisions?: readonly Precision[];
  /** All kinds by default. */
  readonly kinds?: readonly string[];
  readonly threads?: number;
  readonly rounds?: number;
  readonly recipes?: QuantizationOptions['recipes'];
}

export interface KernelMeasurement {
  readonly kind: string;
  readonly precision: Precision;
  /** What the precision only simulates here. */
  readonly simulated?: string;
  /** Milliseconds. */
  readonly median: number;
  readonly least: number;
  /** Milliseconds between the first and the third quartile. */
  readonly spread: number;
  /** Processor time of all threads together, the least seen: tells more than the clock on a busy machine. */
  readonly processor: number;
  /** Against float32 in the same run: by medians, by the least times, by processor time. */
  readonly speedup: number;
  readonly speedupLeast: number;
  readonly speedupProcessor: number;
  /** |y - y32| / |y32| of what the module adds to the hidden state. */
  readonly error: number;
}

export interface KernelBenchResult {
  readonly machine: Machine;
  readonly options: Required<Omit<KernelBenchOptions, 'recipes' | 'kinds'>> & Pick<KernelBenchOptions, 'kinds'>;
  readonly modules: readonly KernelMeasurement[];
}

const defaults = {
  hiddenSize: 1152,
  numHeads: 16,
  shape: [1, 8, 256],
  captionLength: 120,
  precisions: ['fp32', 'w8a8', 'w4a8', 'w4a6'],
  threads: 2,
  rounds: 10,
} as const satisfies KernelBenchOptions;

/** Measures one module of each kind at each precision, of the first family that has single modules. */
export async function benchKernels(given: KernelBenchOptions = {}): Promise<KernelBenchResult> {
  const options = { ...defaults, ...given };
  const openModules = families.find((family) => family.openModules)!.openModules!;
  await using runtime = await createRuntime({ threads: options.threads });
  await using random = await openModules(runtime, options);
  const measured: KernelMeasurement[] = [];
  for (const module of random.modules) {
    if (options.kinds && !options.kinds.includes(module.kind)) continue;
    const sessions = new Map<Precision, Session>();
    for (const precision of options.precisions) sessions.set(precision, await random.compile(module, precision));
    measured.push(...(await compare(runtime, module.kind, sessions, random.feeds(module), options.rounds)));
    for (const session of sessions.values()) await session.dispose();
  }
  const { recipes: _, ...settings } = options;
  return { machine: describeMachine(runtime), options: settings, modules: measured };
}

async function compare(
  runtime: Runtime,
  kind: string,
  sessions: ReadonlyMap<Precision, Session>,
  feeds: Record<string, Tensor>,
  rounds: number,
): Promise<KernelMeasurement[]> {
  const times = new Map<Precision, { wall: number[]; processor: number[]; residual: Float32Array }>();
  for (const [precision, session] of sessions) {
    const { residual } = await session.run(feeds); // also warms up
    times.set(precision, { wall: [], processor: [], residual: (await runtime.read(residual!)).slice() });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [precision, session] of sessions) {
      const before = process.cpuUsage();
      const started = performance.now();
      const outputs = await session.run(feeds);
      const { user, system } = process.cpuUsage(before);
      times.get(precision)!.wall.push(performance.now() - started);
      times.get(precision)!.processor.push((user + system) / 1000);
      for (const tensor of Object.values(outputs)) tensor.dispose();
    }
  }
  const reference = times.get('fp32') ?? [...times.values()][0]!;
  return [...times].map(([precision, { wall, processor, residual }]) => ({
    kind,
    precision,
    simulated: simulation(precision, runtime.backend),
    median: median(wall),
    least: Math.min(...wall),
    spread: quartileRange(wall),
    processor: Math.min(...processor),
    speedup: median(reference.wall) / median(wall),
    speedupLeast: Math.min(...reference.wall) / Math.min(...wall),
    speedupProcessor: Math.min(...reference.processor) / Math.min(...processor),
    error: relativeError(residual, reference.residual),
  }));
}

function quartileRange(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.75)]! - sorted[Math.floor(sorted.length * 0.25)]!;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(error / size);
}
