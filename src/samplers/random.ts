/**
 * Normal noise with the numbers that PyTorch's CPU generator gives for the same seed, so that a seed published with a
 * video made by the original code makes the same video here.
 *
 * Invariants: two generators never share anything, and all that one remembers is in the run's state. Requests of 16 values or more and shorter
 * ones take different paths, as in PyTorch, so `randn(8)` twice is not `randn(16)`.
 * Reference: aten/src/ATen/CPUGeneratorImpl.cpp (mt19937), native/cpu/DistributionTemplates.h (normal_fill).
 */

import { QuantCacheError } from '../errors.ts';
import { createRunState, type RunState } from '../state.ts';

/** A stream of random numbers. */
export interface RandomGenerator {
  /** The next `count` values of the standard normal distribution. */
  randn(count: number): Float32Array;
}

const lowestSeed = -(2n ** 63n);
const highestSeed = 2n ** 64n - 1n;
const stateSize = 624;
const shiftSize = 397;
const fillBlock = 16; // PyTorch transforms uniforms to normals in blocks of 16 and needs at least one block

/** The seed of a run that names none. */
export const defaultSeed = 42;

/**
 * The seed as a 64-bit integer, or an error that says what is allowed.
 * PyTorch takes any 64-bit integer but feeds only its low 32 bits to mt19937: seeds 5 and 2^32 + 5 are the same.
 */
export function parseSeed(seed: number | bigint | string): bigint {
  const written = typeof seed === 'string' ? seed.trim() : seed;
  const isInteger =
    typeof written === 'bigint' ||
    (typeof written === 'number' ? Number.isSafeInteger(written) : /^-?\d+$/.test(written));
  const value = isInteger ? BigInt(written) : undefined;
  if (value === undefined || value < lowestSeed || value > highestSeed) {
    throw new QuantCacheError(
      'invalid_option',
      `Seed ${seed} is not a 64-bit integer. Use a whole number such as 42; above 2^53 write it as text or bigint.`,
    );
  }
  return value;
}

/** What a generator remembers. */
interface Memory {
  /** Of mt19937. */
  readonly words: Uint32Array;
  /** The next of them to give. */
  next: number;
  /** The second value of the last Box-Muller pair of a short request. */
  spare?: number;
}

/** A generator equal to `torch.Generator().manual_seed(seed)` on the CPU, to float32 rounding. */
export function torchGenerator(seed: number | bigint | string, state: RunState = createRunState()): RandomGenerator {
  const words = seededWords(Number(BigInt.asUintN(32, parseSeed(seed))));
  const memory = state.data<Memory>('random', { words, next: stateSize });
  const nextUint32 = mersenneTwister(memory);

  const uniform24 = () => (nextUint32() & 0xffffff) / 2 ** 24;
  const uniform53 = () => {
    const high = nextUint32();
    return ((high & 0x1fffff) * 2 ** 32 + nextUint32()) / 2 ** 53;
  };

  function shortNormal(): number {
    const { spare } = memory;
    memory.spare = undefined;
    if (spare !== undefined) return spare;
    const angle = 2 * Math.PI * uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53()));
    memory.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  function fill(values: Float32Array): void {
    const count = values.length;
    for (let i = 0; i < count; i++) values[i] = uniform24();
    for (let start = 0; start + fillBlock <= count; start += fillBlock) boxMuller(values, start);
    if (count % fillBlock === 0) return;
    for (let i = count - fillBlock; i < count; i++) values[i] = uniform24(); // the last block is drawn anew
    boxMuller(values, count - fillBlock);
  }

  return {
    randn(count) {
      const values = new Float32Array(count);
      if (count >= fillBlock) fill(values);
      else for (let i = 0; i < count; i++) values[i] = shortNormal();
      return values;
    },
  };
}

/** Turns 16 uniforms into 16 normals in place: the first eight give radii, the last eight give angles. */
function boxMuller(values: Float32Array, start: number): void {
  for (let i = start; i < start + fillBlock / 2; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]!));
    const angle = 2 * Math.PI * values[i + fillBlock / 2]!;
    values[i] = radius * Math.cos(angle);
    values[i + fillBlock / 2] = radius * Math.sin(angle);
  }
}

/** The words that mt19937 begins with. */
function seededWords(seed: number): Uint32Array {
  const words = new Uint32Array(stateSize);
  words[0] = seed;
  for (let i = 1; i < stateSize; i++) {
    const previous = words[i - 1]!;
    words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  return words;
}

/** The mt19937 generator of Matsumoto and Nishimura: a function that returns the next 32 random bits. */
function mersenneTwister(memory: Memory): () => number {
  const { words } = memory;

  function twist(): void {
    for (let i = 0; i < stateSize; i++) {
      const following = words[(i + 1) % stateSize]!;
      const joined = (words[i]! & 0x80000000) | (following & 0x7fffffff);
      words[i] = words[(i + shiftSize) % stateSize]! ^ (joined >>> 1) ^ (following & 1 ? 0x9908b0df : 0);
    }
    memory.next = 0;
  }

  return () => {
    if (memory.next === stateSize) twist();
    let bits = words[memory.next++]!;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return bits >>> 0;
  };
}
