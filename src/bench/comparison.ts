/**
 * A comparison as a file: settings, machines and every clip, so that a table can be made again and an interrupted run be
 * continued. Written whole or not at all.
 */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { Agreement, AgreementShares, ImageTextScores, Shown } from '../api/metrics.ts';
import { findJson, saveJson } from '../files/json.ts';
import { type Geometry, QuantCacheError } from '../index.ts';
import type { Machine } from './machine.ts';
import type { Row } from './rows.ts';
import type { Spread } from './spread.ts';
import type { TemporalFigures } from './temporal.ts';

/** What one clip shows and what its noise is drawn from. */
export interface Cell {
  readonly prompt: string;
  readonly seed: number;
}

/** What every clip of a comparison has in common; files with other settings are not continued. */
export interface Settings {
  readonly model: string;
  readonly numSteps: number;
  readonly guidanceScale: number;
  readonly geometry: Geometry;
}

/** Milliseconds; `total` is from the prompt to the encoded file. */
export interface ClipTimes {
  readonly total: number;
  readonly text: number;
  /** The transformer and all that decides about it. */
  readonly denoise: number;
  readonly decode: number;
  /** Encoding as mp4. */
  readonly save: number;
  /** Time that all cores together spent on it: robust on a busy machine. */
  readonly processor: number;
}

/** How far a clip is from the reference clip of the same prompt and seed. */
export interface Fidelity {
  /** Decibels; 120 stands for equal clips. */
  readonly psnr: number;
  readonly ssim: number;
  /** Of the final latents. */
  readonly relativeL2: number;
  /** Of what the model's own VAE encoder sees; absent in files of earlier versions, and without an encoder. */
  readonly featureDistance?: number;
}

/** One clip, measured. */
export interface ClipResult extends Cell {
  /** Label of the row. */
  readonly row: string;
  /** Index into the comparison's machines. */
  readonly session: number;
  /** Load of the machine when the clip began. */
  readonly load: number;
  readonly times: ClipTimes;
  /** Modules of the transformer computed, all steps together. */
  readonly modules: number;
  /** Floating-point operations of those. */
  readonly flops: number;
  /** Share of the computed operations per precision. */
  readonly precisions: Readonly<Record<string, number>>;
  readonly peakBytes: number;
  /** Absent for the reference itself. */
  readonly fidelity?: Fidelity;
  /** Absent in files of earlier versions. */
  readonly temporal?: TemporalFigures;
  /** Absent where no CLIP model was named. */
  readonly clipScores?: ImageTextScores;
  /** What the clip shows and whether that is right; absent where the model has no vocabulary. */
  readonly shown?: readonly Shown[];
  readonly agreement?: Agreement;
}

/** Some numbers of a reference clip's latents: they tell whether a file was made with the same weights and engine. */
export interface Fingerprint {
  readonly cell: Cell;
  readonly values: readonly number[];
}

/** How many times faster, per part. */
export interface SpeedUps {
  readonly endToEnd: Spread;
  readonly transformer: Spread;
  /** By processor time instead of the clock's. */
  readonly processor: Spread;
}

/** What all clips of a row come to. */
export interface RowSummary {
  readonly label: string;
  readonly numSteps: number;
  readonly clips: number;
  /** Milliseconds. */
  readonly times: Readonly<Record<keyof ClipTimes, Spread>>;
  /** Against the first row: full computation with the comparison's number of steps. */
  readonly reference?: SpeedUps;
  /** Against full computation with as many steps; absent where that was not measured. */
  readonly sameSteps?: SpeedUps;
  /** Against full computation with 30 steps; absent where that was not measured. */
  readonly at30?: SpeedUps;
  /** Shares of the modules and operations of full computation with the comparison's number of steps. */
  readonly modules: number;
  readonly flops: number;
  /** Share of the computed operations per precision, mean over clips. */
  readonly precisions: Readonly<Record<string, number>>;
  /** Absent for the reference. The worst clip is the one with the lowest PSNR. */
  readonly fidelity?: {
    readonly psnr: Spread;
    readonly ssim: Spread;
    readonly relativeL2: Spread;
    /** Absent where not every clip was measured. */
    readonly featureDistance?: Spread;
    readonly worst: Cell;
  };
  /** Means over clips; absent where not every clip was measured. */
  readonly temporal?: TemporalFigures;
  readonly agreement?: AgreementShares;
  /** Of the agreement, as VBench has them: the scene alone, and all that was asked for by degree. */
  readonly sceneAgreement?: number;
  readonly overallAgreement?: number;
  /** Means over clips; absent where not every clip was judged by the same CLIP model. */
  readonly clipScores?: ImageTextScores;
  /** The most of all clips; sessions of other rows in the same process count. */
  readonly peakBytes: number;
}

/** A comparison, finished or not. */
export interface Comparison {
  readonly format: 'quantcache-comparison';
  readonly version: 1;
  readonly settings: Settings;
  readonly fingerprint: Fingerprint;
  readonly rows: readonly Row[];
  readonly cells: readonly Cell[];
  /** The modules of one full step and their operations. */
  readonly fullStep: { readonly modules: number; readonly flops: number };
  /** One per session of measuring; the first has index 0. */
  readonly machines: readonly Machine[];
  readonly clips: readonly ClipResult[];
  readonly summary: readonly RowSummary[];
}

const cellSchema = z.looseObject({ prompt: z.string(), seed: z.number() });

/** What is relied on before anything is computed; the rest is kept as it is. */
const schema = z.looseObject({
  format: z.literal('quantcache-comparison'),
  version: z.literal(1),
  settings: z.object({ model: z.string(), numSteps: z.number() }).loose(),
  fingerprint: z.looseObject({ cell: cellSchema, values: z.array(z.number()) }),
  rows: z.array(z.object({ label: z.string() }).loose()),
  cells: z.array(cellSchema),
  machines: z.array(z.object({}).loose()),
  clips: z.array(cellSchema.extend({ row: z.string() })),
});

/** Reads a comparison; undefined where there is no such file. Throws `corrupt_file` for anything else than one. */
export async function loadComparison(path: string): Promise<Comparison | undefined> {
  const found = await findJson(path, schema, {
    what: 'a comparison of this version',
    todo: 'Give another --out, or remove it.',
  });
  return found as Comparison | undefined;
}

/** Writes a comparison; an earlier file is replaced when the new one is whole. */
export async function saveComparison(path: string, comparison: Comparison): Promise<void> {
  await saveJson(path, comparison);
}

/** Throws `invalid_option` unless an earlier comparison was made with these settings. */
export function assertSameSettings(earlier: Comparison, settings: Settings): void {
  const different = (Object.keys(settings) as (keyof Settings)[]).filter(
    (name) => !isDeepStrictEqual(earlier.settings[name], JSON.parse(JSON.stringify(settings[name]))),
  );
  if (different.length === 0) return;
  const differences = different.map(
    (name) => `${name} ${JSON.stringify(earlier.settings[name])} there, ${JSON.stringify(settings[name])} here`,
  );
  throw new QuantCacheError(
    'invalid_option',
    `The earlier results were measured with other settings (${differences.join('; ')}). Give another --out, or remove them.`,
  );
}

/** Throws `invalid_option` unless the first reference came out as it did in the earlier comparison. */
export function assertSameFingerprint(earlier: Fingerprint, now: Fingerprint): void {
  const close = (value: number, i: number) => Math.abs(value - (earlier.values[i] ?? Number.NaN)) < 0.01;
  if (now.values.every(close)) return;
  throw new QuantCacheError(
    'invalid_option',
    'The earlier results were measured with other weights or another engine: full computation gives another clip now. Give another --out, or remove them.',
  );
}
