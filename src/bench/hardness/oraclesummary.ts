/** What a policy that knew each clip's error could save, against the best path that is the same for all clips. */
import { quantile } from '../spread.ts';
import { excused, targets } from './protocol.ts';
import { mean } from './rank.ts';
import type { HardnessRecords, OracleRecord } from './records.ts';
import { rounded } from './rounding.ts';

export interface TargetSummary {
  /** Decibels. */
  readonly target: number;
  /** Evaluations per clip of the cheapest path that reaches the target: every clip reaches it. */
  readonly oracle: { readonly mean: number; readonly least: number; readonly most: number };
  /** The cheapest path of all clips whose 10th percentile reaches the target; absent while it is not known. */
  readonly fixed?: {
    readonly evaluations: number;
    readonly leaps: string;
    readonly tenth: number;
    readonly median: number;
  };
  /** Evaluations of the fixed path over the oracle's mean. */
  readonly ratio?: number;
}

export interface OracleSummary {
  readonly clips: number;
  readonly targets: readonly TargetSummary[];
  /** Rank correlation of finished paths by latent error and by decoded PSNR, mean over clips. */
  readonly rank?: number;
  /** Decibels lost where the latent error chooses among paths of as many evaluations, mean over clips. */
  readonly loss: number;
  /** Evaluations that searching a clip took, mean. */
  readonly searched: number;
}

export function summarizeOracle({ oracle, fixed }: Pick<HardnessRecords, 'oracle' | 'fixed'>): OracleSummary {
  const ranks = oracle.flatMap(({ rank }) => rank ?? []);
  return {
    clips: oracle.length,
    targets: targets.map((target) => targetOf(target, oracle, fixed)),
    ...(ranks.length > 0 && { rank: rounded(mean(ranks), 3) }),
    loss: rounded(mean(oracle.map(({ loss }) => loss)), 2),
    searched: Math.round(mean(oracle.map(({ searched }) => searched))),
  };
}

function targetOf(target: number, oracle: readonly OracleRecord[], fixed: HardnessRecords['fixed']): TargetSummary {
  const needs = oracle.map((record) => evaluationsFor(target, record, fixed));
  const path = fixed?.paths.find(({ psnr }) => quantile(psnr, excused) >= target);
  const average = mean(needs);
  return {
    target,
    oracle: { mean: rounded(average, 2), least: Math.min(...needs), most: Math.max(...needs) },
    ...(path && {
      fixed: {
        evaluations: path.evaluations,
        leaps: path.leaps,
        tenth: rounded(quantile(path.psnr, excused), 2),
        median: rounded(quantile(path.psnr, 0.5), 2),
      },
      ratio: rounded(path.evaluations / average, 2),
    }),
  };
}

/** What a clip needs, by its own search or by a path that was tried on all clips. */
function evaluationsFor(
  target: number,
  { prompt, seed, paths }: OracleRecord,
  fixed: HardnessRecords['fixed'],
): number {
  const index = fixed?.cells.findIndex((cell) => cell.prompt === prompt && cell.seed === seed) ?? -1;
  const reaching = [
    ...paths.filter(({ psnr }) => psnr >= target),
    ...(index < 0 ? [] : fixed!.paths.filter(({ psnr }) => psnr[index]! >= target)),
  ];
  return Math.min(...reaching.map(({ evaluations }) => evaluations));
}
