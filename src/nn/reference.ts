/**
 * The layers of this folder in plain JavaScript and double precision: slow, obvious, and what the fast ones are tested
 * against. Nothing that runs in production imports this file.
 */

/** Numbers with a shape, row-major. */
export interface Dense {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

const size = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);

/** A tensor of a shape, each number computed from its position. */
function build(shape: readonly number[], compute: (index: number) => number): Dense {
  return { shape, data: Float64Array.from({ length: size(shape) }, (_, index) => compute(index)) };
}

const elementwise = (x: Dense, compute: (value: number) => number): Dense => build(x.shape, (i) => compute(x.data[i]!));

/** Each row of the last axis through a function that returns a row as long. */
function byRow(x: Dense, compute: (row: Float64Array, index: number) => Float64Array): Dense {
  const width = x.shape.at(-1)!;
  const data = new Float64Array(x.data.length);
  for (let row = 0; row * width < data.length; row++) {
    data.set(compute(Float64Array.from(x.data.subarray(row * width, (row + 1) * width)), row), row * width);
  }
  return { shape: x.shape, data };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** (u - mean) / sqrt(variance + epsilon), biased variance. */
function normalise(values: Float64Array, epsilon: number): Float64Array {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  return values.map((value) => (value - centre) / Math.sqrt(variance + epsilon));
}

/** y = x W^T + b on the last axis; the weight is `[outputs, inputs]`. */
export function linear(x: Dense, weight: Dense, bias?: Dense): Dense {
  const [outputs, inputs] = weight.shape as [number, number];
  return build([...x.shape.slice(0, -1), outputs], (index) => {
    const row = Math.floor(index / outputs);
    const column = index % outputs;
    let sum = bias ? bias.data[column]! : 0;
    for (let k = 0; k < inputs; k++) sum += x.data[row * inputs + k]! * weight.data[column * inputs + k]!;
    return sum;
  });
}

/** GELU, tanh approximation. */
export const gelu = (x: Dense): Dense =>
  elementwise(x, (u) => (u / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3))));

/** u sigmoid(u). */
export const silu = (x: Dense): Dense => elementwise(x, (u) => u / (1 + Math.exp(-u)));

/** LayerNorm over the last axis without parameters. */
export const layerNorm = (x: Dense, epsilon = 1e-6): Dense => byRow(x, (row) => normalise(row, epsilon));

/** LayerNorm(x) (1 + scale) + shift; x is `[batch, length, width]`, shift and scale `[batch, 1, width]`. */
export function modulatedNorm(x: Dense, shift: Dense, scale: Dense): Dense {
  const [, length, width] = x.shape as [number, number, number];
  return byRow(layerNorm(x), (row, index) => {
    const first = Math.floor(index / length) * width;
    return row.map((value, i) => value * (1 + scale.data[first + i]!) + shift.data[first + i]!);
  });
}

/** u / sqrt(mean(u^2) + epsilon) times the weight, over the last axis. */
export function rmsNorm(x: Dense, weight: Dense, epsilon = 1e-6): Dense {
  return byRow(x, (row) => {
    const root = Math.sqrt(mean(row.map((value) => value ** 2)) + epsilon);
    return row.map((value, i) => (value / root) * weight.data[i]!);
  });
}

/** GroupNorm of `[batch, channels, ...space]`: statistics per group of channels, weight and bias per channel. */
export function groupNorm(x: Dense, weight: Dense, bias: Dense, groups: number, epsilon: number): Dense {
  const [batch, channels] = x.shape as [number, number];
  const grouped = byRow({ shape: [batch, groups, x.data.length / batch / groups], data: x.data }, (row) =>
    normalise(row, epsilon),
  );
  const plane = size(x.shape.slice(2));
  return build(x.shape, (index) => {
    const channel = Math.floor(index / plane) % channels;
    return grouped.data[index]! * weight.data[channel]! + bias.data[channel]!;
  });
}

/** softmax(scale q k^T + bias) v over `[batch, length, heads * headSize]`; the bias is `[batch or 1, heads or 1, queries, keys]`. */
export function attention(
  q: Dense,
  k: Dense,
  v: Dense,
  options: { heads: number; scale?: number; bias?: Dense },
): Dense {
  const { heads, bias } = options;
  const [batch, queries, width] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  const headSize = width / heads;
  const scale = options.scale ?? 1 / Math.sqrt(headSize);
  const data = new Float64Array(q.data.length);
  const biasAt = (b: number, h: number, i: number, j: number): number => {
    if (!bias) return 0;
    const plane = (bias.shape[0] === 1 ? 0 : b) * bias.shape[1]! + (bias.shape[1] === 1 ? 0 : h);
    return bias.data[(plane * queries + i) * keys + j]!;
  };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const at = (length: number, position: number, channel: number) =>
        (b * length + position) * width + h * headSize + channel;
      for (let i = 0; i < queries; i++) {
        const scores = Float64Array.from({ length: keys }, (_, j) => {
          let sum = 0;
          for (let c = 0; c < headSize; c++) sum += q.data[at(queries, i, c)]! * k.data[at(keys, j, c)]!;
          return scale * sum + biasAt(b, h, i, j);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let c = 0; c < headSize; c++) {
          data[at(queries, i, c)] = weights.reduce(
            (sum, weight, j) => sum + (weight / total) * v.data[at(keys, j, c)]!,
            0,
          );
        }
      }
    }
  }
  return { shape: q.shape, data };
}

/** Rotary embedding of `[batch, length, heads * headSize]` with interleaved pairs; tables are `[positions, headSize / 2]`. */
export function rotaryEmbedding(x: Dense, cos: Dense, sin: Dense, heads: number): Dense {
  const [, length, width] = x.shape as [number, number, number];
  const headSize = width / heads;
  return build(x.shape, (index) => {
    const channel = index % headSize;
    const entry = (Math.floor(index / width) % length) * (headSize / 2) + Math.floor(channel / 2);
    const partner = channel % 2 === 0 ? -x.data[index + 1]! : x.data[index - 1]!;
    return x.data[index]! * cos.data[entry]! + partner * sin.data[entry]!;
  });
}

/**
 * Convolution of `[batch, channels, ...space]` in any number of dimensions, zero padding. `pads` in ONNX order: all begins,
 * then all ends.
 */
export function convolution(
  x: Dense,
  weight: Dense,
  bias: Dense | undefined,
  options: { strides: readonly number[]; pads: readonly number[] },
): Dense {
  const { strides, pads } = options;
  const [batch, channels, ...space] = x.shape as [number, number, ...number[]];
  const [filters, , ...kernel] = weight.shape as [number, number, ...number[]];
  const rank = space.length;
  const outputSpace = space.map((n, d) => Math.floor((n + pads[d]! + pads[rank + d]! - kernel[d]!) / strides[d]!) + 1);
  return build([batch, filters, ...outputSpace], (index) => {
    const [b, filter, ...position] = unravel(index, [batch, filters, ...outputSpace]) as [number, number, ...number[]];
    let sum = bias ? bias.data[filter]! : 0;
    for (let tap = 0; tap < channels * size(kernel); tap++) {
      const [channel, ...offset] = unravel(tap, [channels, ...kernel]) as [number, ...number[]];
      const source = position.map((p, d) => p * strides[d]! - pads[d]! + offset[d]!);
      if (source.some((s, d) => s < 0 || s >= space[d]!)) continue;
      sum += x.data[ravel([b, channel, ...source], x.shape)]! * weight.data[filter * channels * size(kernel) + tap]!;
    }
    return sum;
  });
}

/** Doubles height and width of `[batch, channels, height, width]` by repeating pixels. */
export function upsampleNearest(x: Dense): Dense {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const shape = [batch, channels, 2 * height, 2 * width];
  return build(shape, (index) => {
    const [b, c, row, column] = unravel(index, shape) as [number, number, number, number];
    return x.data[ravel([b, c, Math.floor(row / 2), Math.floor(column / 2)], x.shape)]!;
  });
}

/** Position in a row-major tensor, from indices. */
const ravel = (indices: readonly number[], shape: readonly number[]): number =>
  indices.reduce((position, index, axis) => position * shape[axis]! + index, 0);

/** Indices of a position in a row-major tensor. */
function unravel(position: number, shape: readonly number[]): number[] {
  let rest = position;
  const indices = shape.toReversed().map((n) => {
    const index = rest % n;
    rest = Math.floor(rest / n);
    return index;
  });
  return indices.reverse();
}
