/** Whether what is asked for can fit into this machine's memory at all: said before hours are spent on finding out. */
import { totalmem } from 'node:os';
import { QuantCacheError } from '../errors.ts';
import type { Geometry } from '../model.ts';
import type { Pipeline } from '../pipeline.ts';

/** Hidden states that attention cannot do without: its input, query, key and value. */
const hiddenStates = 4;
const bytesPerNumber = 4;

/** Throws `invalid_option` where the clips' pixels or the network's hidden states alone are more than the memory. */
export function assertMemory(
  pipeline: Pipeline,
  geometry: Geometry,
  { prompts, loops = 1 }: { prompts: number; loops?: number },
): void {
  const { height, width, numFrames } = geometry;
  const pixels = 3 * height * width * numFrames * loops * prompts * bytesPerNumber;
  const hidden = pipeline.costs
    .hiddenDims(geometry)
    .reduce((size, n) => size * n, prompts * hiddenStates * bytesPerNumber);
  const memory = totalmem();
  const needed = Math.max(pixels, hidden);
  if (needed <= memory) return;
  const what = pixels > hidden ? 'the pixels' : 'the hidden states of the network';
  const many = `${prompts === 1 ? '' : `${prompts} clips of `}${numFrames * loops} frames of ${width}x${height}`;
  throw new QuantCacheError(
    'invalid_option',
    `${many} do not fit into memory: ${what} alone take ${gigabytes(needed)} GB, and this machine has ${gigabytes(memory)} GB. Ask for a smaller size, fewer frames or fewer prompts at a time.`,
  );
}

const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
