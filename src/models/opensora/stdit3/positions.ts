/**
 * Numbers that depend only on sizes: the spatial position embedding, the temporal rotary tables and the timestep sinusoid.
 * All in float32 as the original computes them. Reference: Open-Sora 1.2, `PositionEmbedding2D`, `TimestepEmbedder`;
 * rotary_embedding_torch with `freqs_for='lang'`.
 */
import type { Geometry } from '../../../model.ts';
import type { Stdit3Config } from './config.ts';

const { fround } = Math;
const maxPeriod = 10_000;

/** Patches per column and per row of one frame; latents are padded up to whole patches. */
export function patchGrid(config: Stdit3Config, latent: Geometry['latent']): { rows: number; columns: number } {
  return { rows: Math.ceil(latent.height / config.patchHeight), columns: Math.ceil(latent.width / config.patchWidth) };
}

/**
 * `[rows * columns, hiddenSize]`: sine and cosine of the column, then of the row. Positions are scaled by the pixel
 * size, so that a token means the same place in the picture at every resolution.
 */
export function positionEmbedding(config: Stdit3Config, geometry: Geometry): Float32Array {
  const { rows, columns } = patchGrid(config, geometry.latent);
  const scale = Math.sqrt(geometry.height * geometry.width) / config.inputSquareSize;
  const baseSize = Math.round(Math.sqrt(rows * columns));
  const quarter = config.hiddenSize / 4;
  const frequencies = Array.from({ length: quarter }, (_, i) =>
    fround(1 / fround(maxPeriod ** fround((2 * i) / (2 * quarter)))),
  );
  const position = (index: number, count: number) =>
    fround(fround(fround(index) / fround(scale)) * fround(baseSize / count));
  const embedding = new Float32Array(rows * columns * config.hiddenSize);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const start = (row * columns + column) * config.hiddenSize;
      for (let i = 0; i < quarter; i++) {
        const across = fround(position(column, columns) * frequencies[i]!);
        const down = fround(position(row, rows) * frequencies[i]!);
        embedding[start + i] = Math.sin(across);
        embedding[start + quarter + i] = Math.cos(across);
        embedding[start + 2 * quarter + i] = Math.sin(down);
        embedding[start + 3 * quarter + i] = Math.cos(down);
      }
    }
  }
  return embedding;
}

/** The frequencies that `rope.freqs` holds where a checkpoint lacks it: 10000^(-2i / headSize). */
export function rotaryFrequencies(headSize: number): Float32Array {
  return Float32Array.from({ length: headSize / 2 }, (_, i) => maxPeriod ** ((-2 * i) / headSize));
}

/** Rotary tables `[frames, headSize / 2]` for frame numbers 0, 1, 2... */
export function rotaryTables(frequencies: Float32Array, frames: number): { cos: Float32Array; sin: Float32Array } {
  const half = frequencies.length;
  const angles = Float32Array.from({ length: frames * half }, (_, i) => Math.floor(i / half) * frequencies[i % half]!);
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}

/** Width of the sinusoid that times and frame rates are embedded with. */
export const sinusoidSize = 256;

/** `[values, 256]`: cosines, then sines, of each value times 128 frequencies from 1 down to nearly 1/10000. */
export function sinusoid(values: readonly number[]): Float32Array {
  const half = sinusoidSize / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    fround(Math.exp(fround(fround(-Math.log(maxPeriod) * i) / half))),
  );
  const table = new Float32Array(values.length * sinusoidSize);
  values.forEach((value, row) => {
    frequencies.forEach((frequency, i) => {
      const angle = fround(fround(value) * frequency);
      table[row * sinusoidSize + i] = Math.cos(angle);
      table[row * sinusoidSize + half + i] = Math.sin(angle);
    });
  });
  return table;
}
