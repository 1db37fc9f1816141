/** What a measurement of hardness records of each clip, and what all its records have in common. */
import type { Geometry } from '../../index.ts';
import type { Cell } from '../comparison.ts';
import type { Place } from './coverage.ts';
import type { Trajectory } from './trajectory.ts';
import type { Verdict } from './verdict.ts';

/** What all records have in common; files with other settings are not continued. */
export interface HardnessSettings {
  readonly model: string;
  /** SHA-256 of the transformer's weights. */
  readonly weights: string;
  readonly numSteps: number;
  readonly guidanceScale: number;
  readonly geometry: Geometry;
  /** Run lengths of whole-step reuse, and the evaluations that it takes. */
  readonly cached: { readonly mask: string; readonly evaluations: number };
  /** Leaps are Euler steps with the model's own guidance: nothing is fitted. */
  readonly oracle: { readonly leaps: readonly number[]; readonly beam: number; readonly fitted: false };
}

/** One prompt and seed, made by every row. */
export interface FidelityRecord extends Cell {
  /** Decibels against full computation, by row; 120 for equal clips. */
  readonly psnr: Readonly<Record<string, number>>;
  readonly trajectory: Trajectory;
  /** Decibels between full computation of this seed and of the one before; absent for the first seed. */
  readonly otherSeed?: number;
  /** Decibels between full computation of this prompt and of the one before, same seed; absent for the first prompt. */
  readonly otherPrompt?: number;
  /** By row, full computation included; absent where the prompt cannot be judged. */
  readonly verdicts?: Readonly<Record<string, Verdict>>;
}

/** One prompt, made by the rows whose agreement is compared. */
export interface AgreementRecord extends Cell {
  /** Absent where the prompt cannot be judged. */
  readonly verdicts?: Readonly<Record<string, Verdict>>;
  /** Where objects of full computation begin. */
  readonly places: readonly Place[];
}

/** The best path of so many evaluations; `leaps` is their lengths, such as `1-1-4-8-8-8`. */
export interface PathRecord {
  readonly evaluations: number;
  readonly leaps: string;
  readonly psnr: number;
}

/** One clip's cheapest paths. */
export interface OracleRecord extends Cell {
  readonly paths: readonly PathRecord[];
  /** Rank correlation of all finished paths by latent error and by decoded PSNR, 1 where both rank alike; absent for one path. */
  readonly rank?: number;
  /** Decibels lost where a path is chosen by its latent error instead of its decoded PSNR, mean over numbers of evaluations. */
  readonly loss: number;
  /** Evaluations that the search took. */
  readonly searched: number;
}

/** The best path of so many evaluations for all clips at once. */
export interface FixedPathRecord {
  readonly evaluations: number;
  readonly leaps: string;
  /** Per clip, in the order of the cells. */
  readonly psnr: readonly number[];
}

export interface FixedRecord {
  readonly cells: readonly Cell[];
  readonly paths: readonly FixedPathRecord[];
  /** Evaluations per clip that the search has taken so far. */
  readonly searched: number;
  /** Where the search stands; absent when it is over. Latents per clip are base64 of float32. */
  readonly unfinished?: {
    readonly evaluations: number;
    readonly paths: readonly { leaps: readonly number[]; at: number; error: number; latents: readonly string[] }[];
    readonly least: readonly (readonly number[])[];
  };
}

/** All there is to sum up. */
export interface HardnessRecords {
  readonly settings: HardnessSettings;
  readonly fidelity: readonly FidelityRecord[];
  readonly agreement: readonly AgreementRecord[];
  readonly oracle: readonly OracleRecord[];
  readonly fixed?: FixedRecord;
}
