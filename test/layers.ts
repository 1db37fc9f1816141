/** Support for tests of graphs and layers: random numbers, small checkpoints on disk, one run of one graph. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { linearFp32 } from '../src/nn/linear.ts';
import type { Dense } from '../src/nn/reference.ts';
import type { Scope } from '../src/nn/scope.ts';
import { Graph } from '../src/onnx/graph.ts';
import type { AttentionKernel, Runtime, TensorData } from '../src/runtime/runtime.ts';
import { openCheckpoint, type Weights, weightsOf } from '../src/weights/checkpoint.ts';
import { type TensorSource, writeSafetensors } from '../src/weights/safetensors.ts';

export const kernels: readonly AttentionKernel[] = ['flash', 'standard', 'plain'];

/** Repeatable random tensors: numbers between -scale and scale. */
export function randomTensors(
  seed: number,
): (shape: readonly number[], scale?: number) => Dense & { data: Float32Array } {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.999;
  };
  return (shape, scale = 1) => {
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    return { shape, data: Float32Array.from({ length }, () => scale * next()) };
  };
}

/** A folder that is removed after the tests of the file. Call it at the top of a test file, where hooks are registered. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantcache-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let files = 0;

/** Writes tensors to a safetensors file in `folder` and opens it. */
export async function writeCheckpoint(folder: string, tensors: readonly TensorSource[]): Promise<Weights> {
  const path = join(folder, `${files++}.safetensors`);
  await writeSafetensors(path, tensors);
  return openCheckpoint(path);
}

/** The same for float32 tensors by name. */
export function writeWeights(
  folder: string,
  tensors: Readonly<Record<string, Dense & { data: Float32Array }>>,
): Promise<Weights> {
  const sources = Object.entries(tensors).map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape: [...shape],
    data,
  }));
  return writeCheckpoint(folder, sources);
}

/** A float32 scope over a new graph; layers without parameters need no weights. */
export function scopeOf(weights: Weights = weightsOf([]), opset?: number): Scope {
  return { graph: new Graph('test', opset), weights, linear: linearFp32 };
}

/** Runs a graph once and reads the output `y`. */
export async function runOnce(
  runtime: Runtime,
  graph: Graph,
  feeds: Readonly<Record<string, { shape: readonly number[]; data: TensorData }>> = {},
): Promise<{ data: Float32Array; shape: readonly number[] }> {
  const session = await runtime.compile(graph.build());
  try {
    const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [name, runtime.tensor(data, shape)]);
    const { y } = await session.run(Object.fromEntries(tensors));
    return { data: await runtime.read(y!), shape: y!.dims };
  } finally {
    await session.dispose();
  }
}

/** The largest difference, relative to the largest expected value. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let scale = 0;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    error = Math.max(error, difference);
  }
  return error / (scale || 1);
}

/** Expects the shape and numbers of the reference. */
export function expectSame(
  actual: { data: Float32Array; shape: readonly number[] },
  expected: Dense,
  tolerance = 1e-5,
): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data.length).toBe(expected.data.length);
  expect(largestError(actual.data, expected.data)).toBeLessThan(tolerance);
}
