/**
 * Which latent frames of a video are copied from references (an image, an earlier clip) and how far each may change.
 *
 * A strategy is text, one group per copy, groups separated by `;`, fields by `,`:
 *
 *     loop, reference, referenceStart, targetStart, length, editRatio      defaults 0,0,0,0,1,0
 *
 * All positions are latent frames; negative starts count from the end. The result is plain numbers: copies in the order
 * in which they are to be made (later ones overwrite) and a mask per sample, 1 = generate, 0 = keep, between = edit.
 * As in the original a mask exists even when nothing is copied (all ones). Deviation: starts outside the clip are refused
 * here, where Python's slices would copy nothing or fail with a shape error.
 * Reference: opensora/utils/inference_utils.py, `parse_mask_strategy`, `apply_mask_strategy`, `append_generated`.
 */

import { QuantCacheError } from '../../errors.ts';

/** One group of a strategy. */
export interface MaskGroup {
  /** The clip of a looped generation, from 0, that the group is for. */
  loop: number;
  /** Which of the sample's references to copy from. */
  reference: number;
  referenceStart: number;
  targetStart: number;
  length: number;
  /** 0 keeps the copied frames, 1 generates them anew, between edits them. */
  editRatio: number;
}

/** Copy `length` latent frames of a reference into the noise of a sample. */
export interface MaskCopy {
  sample: number;
  reference: number;
  referenceStart: number;
  targetStart: number;
  length: number;
}

/** What to copy before sampling, and the mask to sample with. */
export interface MaskPlan {
  copies: MaskCopy[];
  /** [samples][latent frames] */
  mask: number[][];
}

/** What a strategy is applied to. */
export interface MaskOptions {
  /** Latent frames of the video. */
  latentFrames: number;
  /** Which clip of a looped generation. Default 0. */
  loop?: number;
  /** Starts are moved to multiples of this many latent frames; 0 leaves them. Default 5, one chunk of the temporal VAE. */
  align?: number;
}

const fieldNames = ['loop', 'reference', 'reference start', 'target start', 'length', 'edit ratio'];
const fieldDefaults = [0, 0, 0, 0, 1, 0];

/** The groups of a strategy; none for empty text. */
export function parseMaskStrategy(strategy: string): MaskGroup[] {
  if (strategy === '') return [];
  return strategy.split(';').map((group) => {
    const written = group.split(',');
    if (written.length > fieldNames.length) {
      refuse(group, `has ${written.length} fields`, `give at most ${fieldNames.length}: ${fieldNames.join(', ')}`);
    }
    const field = (i: number) => (i < written.length ? parseField(group, written[i]!, i) : fieldDefaults[i]!);
    return {
      loop: field(0),
      reference: field(1),
      referenceStart: field(2),
      targetStart: field(3),
      length: field(4),
      editRatio: field(5),
    };
  });
}

function parseField(group: string, written: string, index: number): number {
  const name = fieldNames[index]!;
  const isEditRatio = index === 5;
  if (group.trim() === '') refuse(group, 'is an empty group', 'leave out the ";" before it');
  const value = written.trim() === '' ? Number.NaN : Number(written);
  if (isEditRatio ? !(value >= 0 && value <= 1) : !Number.isInteger(value)) {
    refuse(group, `has ${name} "${written}"`, isEditRatio ? 'use a number from 0 to 1' : 'use a whole number');
  }
  if (value < 0 && name !== 'reference start' && name !== 'target start') {
    refuse(group, `has ${name} ${value}`, 'only starts may be negative');
  }
  return value;
}

/**
 * The multiple of `align` nearest to a position, below where in doubt, and never the start of a chunk beyond the last.
 * `align` must be positive.
 */
export function findNearestPoint(position: number, align: number, frames: number): number {
  const below = Math.floor(position / align);
  const roundUp = position - below * align > align / 2 && below < Math.floor(frames / align) - 1;
  return (roundUp ? below + 1 : below) * align;
}

/** Applies one strategy per sample to references given by their lengths in latent frames: `referenceFrames[sample][i]`. */
export function applyMaskStrategy(
  strategies: readonly string[],
  referenceFrames: readonly (readonly number[])[],
  options: MaskOptions,
): MaskPlan {
  const { latentFrames, loop = 0, align = 5 } = options;
  const plan: MaskPlan = { copies: [], mask: [] };
  strategies.forEach((strategy, sample) => {
    const mask = new Array<number>(latentFrames).fill(1);
    for (const group of parseMaskStrategy(strategy)) {
      if (group.loop !== loop) continue;
      const available = referenceFrames[sample]?.[group.reference];
      if (available === undefined) {
        const count = referenceFrames[sample]?.length ?? 0;
        refuse(strategy, `names reference ${group.reference}`, `prompt ${sample} has ${count}, counted from 0`);
      }
      const referenceStart = place(strategy, group.referenceStart, available, align);
      const targetStart = place(strategy, group.targetStart, latentFrames, align);
      const length = Math.min(group.length, latentFrames - targetStart, available - referenceStart);
      if (length > 0) plan.copies.push({ sample, reference: group.reference, referenceStart, targetStart, length });
      mask.fill(group.editRatio, targetStart, targetStart + length);
    }
    plan.mask.push(mask);
  });
  return plan;
}

/** A start within `frames`, counted from the end where negative, on the grid of `align`. */
function place(strategy: string, start: number, frames: number, align: number): number {
  const position = start < 0 ? frames + start : start;
  if (position < 0 || position >= frames) {
    refuse(strategy, `starts at latent frame ${start}`, `allowed are ${-frames} to ${frames - 1}`);
  }
  return align > 0 ? findNearestPoint(position, align, frames) : position;
}

/** What continues a looped generation: the end of the previous clip becomes the beginning of the next. */
export interface LoopCondition {
  /** The clip to be made. */
  loop: number;
  /** Index of the re-encoded previous clip among the sample's references. */
  reference: number;
  /** Latent frames to keep. Default 5, which is 17 frames. */
  length?: number;
  /** Default 0: keep them unchanged. */
  editRatio?: number;
}

/** The strategy with one more group that conditions clip `loop` on the last frames of the clip before it. */
export function appendLoopCondition(strategy: string, condition: LoopCondition): string {
  const { loop, reference, length = 5, editRatio = 0 } = condition;
  const group = `${loop},${reference},-${length},0,${length},${editRatio}`;
  return strategy === '' ? group : `${strategy};${group}`;
}

function refuse(strategy: string, given: string, allowed: string): never {
  throw new QuantCacheError('invalid_option', `Mask strategy "${strategy}" ${given}; ${allowed}.`);
}
