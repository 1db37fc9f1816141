import { describe, expect, it } from 'vitest';
import { randomTensors } from '../../test/layers.ts';
import type { LinearRole } from './layers.ts';
import { integersOf, packNibbles, scalesOf, transpose, unpackNibbles } from './quantize.ts';
import { hadamard, rotateMatrix } from './rotation.ts';
import { scaleChannels, smoothingOf } from './smoothing.ts';

const random = randomTensors(5);

function matrixOf(outputs: number, inputs: number) {
  return { data: random([outputs, inputs]).data, outputs, inputs };
}

describe('integers', () => {
  it.each([
    [8, 16],
    [8, 4],
    [4, 16],
    [4, 8],
  ] as const)('%i bits, groups of %i: exactly those of the definition', (bits, group) => {
    const matrix = matrixOf(3, 16);
    const scheme = { bits, group };
    const scales = scalesOf(matrix, scheme);
    const integers = integersOf(matrix, scales, scheme);
    const limit = bits === 8 ? 127 : 7;
    for (let row = 0; row < 3; row++) {
      for (let g = 0; g < 16 / group; g++) {
        const part = [...matrix.data.subarray(row * 16 + g * group, row * 16 + (g + 1) * group)];
        const scale = Math.fround(Math.max(...part.map(Math.abs)) / limit);
        expect(scales[(row * 16) / group + g]).toBe(scale);
        const own = [...integers.subarray(row * 16 + g * group, row * 16 + (g + 1) * group)];
        expect(own).toEqual(part.map((value) => Math.round(value / scale) + 0));
      }
    }
    expect(Math.max(...integers.map(Math.abs))).toBe(limit);
  });

  it('a row of zeros stays zero', () => {
    const matrix = { data: new Float32Array(8), outputs: 1, inputs: 8 };
    const scales = scalesOf(matrix, { bits: 4, group: 8, clipping: 'search' });
    expect([...scales]).toEqual([1]);
    expect([...integersOf(matrix, scales, { bits: 4, group: 8 })]).toEqual(Array(8).fill(0));
  });

  it('searching for the range never makes the squared error larger', () => {
    const matrix = matrixOf(8, 128);
    matrix.data[5] = 6; // an outlier that is worth clipping
    const errorWith = (clipping: 'none' | 'search') => {
      const scheme = { bits: 4, group: 128, clipping } as const;
      const scales = scalesOf(matrix, scheme);
      return [...integersOf(matrix, scales, scheme)].reduce(
        (sum, q, i) => sum + (matrix.data[i]! - q * scales[Math.floor(i / 128)]!) ** 2,
        0,
      );
    };
    expect(errorWith('search')).toBeLessThan(errorWith('none'));
  });
});

describe('layout', () => {
  it('two nibbles in a byte, the first one low', () => {
    const integers = Int8Array.of(-7, 7, 0, -1, 3, -8);
    expect([...packNibbles(integers)]).toEqual([0x79, 0xf0, 0x83]);
    expect([...unpackNibbles(packNibbles(integers))]).toEqual([...integers]);
    expect([...packNibbles(Int8Array.of(-7, 7), 8)]).toEqual([0xf1]);
  });

  it('transposes beyond its tiles', () => {
    const { data } = random([70, 130]);
    const turned = transpose(data, 70, 130);
    expect(turned[129 * 70 + 69]).toBe(data[69 * 130 + 129]);
    expect(transpose(turned, 130, 70)).toEqual(data);
  });
});

describe('rotation', () => {
  it('is orthonormal and symmetric', () => {
    const size = 8;
    const matrix = hadamard(size);
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        let dot = 0;
        for (let k = 0; k < size; k++) dot += matrix[i * size + k]! * matrix[j * size + k]!;
        expect(dot).toBeCloseTo(i === j ? 1 : 0, 6);
        expect(matrix[i * size + j]).toBe(matrix[j * size + i]);
      }
  });

  it('turns each block of a row by the matrix', () => {
    const matrix = matrixOf(2, 16);
    const turned = rotateMatrix(matrix, 8);
    const h = hadamard(8);
    for (let row = 0; row < 2; row++)
      for (let block = 0; block < 2; block++)
        for (let j = 0; j < 8; j++) {
          let sum = 0;
          for (let k = 0; k < 8; k++) sum += matrix.data[row * 16 + block * 8 + k]! * h[k * 8 + j]!;
          expect(turned.data[row * 16 + block * 8 + j]).toBeCloseTo(sum, 5);
        }
  });
});

describe('smoothing', () => {
  const recipe = {
    weights: { bits: 8 },
    activations: { bits: 8, granularity: 'token' },
    smoothing: { alpha: 0.5, layers: ['attention-input'] },
  } as const;
  const layer = (name: string, role: LinearRole) => ({ name, role });
  const matrix = { data: Float32Array.of(1, -4, 0.25, 2), outputs: 2, inputs: 2 };

  it('is the square root of activation over weight maxima, only for the layers named', () => {
    const maxima = new Map([['a.qkv', Float32Array.of(4, 16)]]);
    expect([...smoothingOf(recipe, layer('a.qkv', 'attention-input'), matrix, maxima)!]).toEqual([2, 2]);
    expect(smoothingOf(recipe, layer('a.proj', 'attention-output'), matrix, maxima)).toBeUndefined();
    expect([...scaleChannels(matrix, Float32Array.of(2, 3)).data]).toEqual([2, -12, 0.5, 6]);
  });

  it('says what is missing', () => {
    expect(() => smoothingOf(recipe, layer('a.qkv', 'attention-input'), matrix, undefined)).toThrow(
      /largest activation.*a\.qkv.*[Cc]ollect/,
    );
  });
});
