/** From clips to what they say of a model: how far fewer evaluations are from full computation, and what chance decides. */
import { quantile } from '../spread.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { type OracleSummary, summarizeOracle } from './oraclesummary.ts';
import { cached, reference } from './protocol.ts';
import { gapOfTenths, mean, rankCorrelation } from './rank.ts';
import type { HardnessRecords } from './records.ts';
import { rounded } from './rounding.ts';
import { judged, type Verdict } from './verdict.ts';

/** Decibels over clips. */
export interface Decibels {
  readonly median: number;
  /** The 10th percentile. */
  readonly tenth: number;
  readonly worst: number;
}

export interface RowHardness extends Decibels {
  readonly label: string;
  readonly evaluations: number;
  /** Decibels of the median above that between two seeds; absent where there is one seed only. */
  readonly aboveAnotherSeed?: number;
}

/** The row by which prompts are told easy from hard. */
export const sortingRow = 'full#8';

/** How the prompts differ in the row that they are sorted by, each the mean over its seeds. */
export interface PromptSpread {
  readonly row: string;
  readonly prompts: number;
  readonly tenth: number;
  readonly median: number;
  readonly ninetieth: number;
  /** The mean of the easiest tenth minus that of the hardest. */
  readonly gap: number;
  /** Spearman's, between the first two seeds; absent where there is one seed only. */
  readonly orderBetweenSeeds?: number;
}

export interface TrajectorySummary {
  /** Medians over clips, by step, from the second step on. */
  readonly divergence: readonly number[];
  readonly bend: readonly number[];
  readonly detour: number;
}

/** Shares of clips that are right, of those whose prompts ask for so many objects. */
export interface AgreementSummary {
  readonly label: string;
  readonly objects: number;
  readonly clips: number;
  readonly right: Readonly<Record<string, number>>;
}

export interface HardnessSummary {
  readonly fidelity?: {
    readonly clips: number;
    readonly rows: readonly RowHardness[];
    /** Between two seeds of one prompt, and between two prompts of one seed. */
    readonly anotherSeed?: Decibels;
    readonly anotherPrompt?: Decibels;
    readonly prompts?: PromptSpread;
    readonly trajectory: TrajectorySummary;
    readonly agreement: readonly AgreementSummary[];
  };
  readonly agreement?: {
    readonly clips: number;
    readonly rows: readonly AgreementSummary[];
    /** Absent where no place was made out. */
    readonly places?: Coverage;
  };
  readonly oracle?: OracleSummary;
}

/** Sums up what there is. */
export function summarizeHardness(
  hardness: Pick<HardnessRecords, 'settings' | 'fidelity' | 'agreement' | 'oracle' | 'fixed'>,
): HardnessSummary {
  const { fidelity, agreement, oracle } = hardness;
  const places = agreement.flatMap((record) => record.places);
  return {
    ...(fidelity.length > 0 && { fidelity: fidelityOf(hardness) }),
    ...(agreement.length > 0 && {
      agreement: {
        clips: agreement.length,
        rows: agreementOf(agreement),
        ...(places.length > 0 && { places: coverageOf(places) }),
      },
    }),
    ...(oracle.length > 0 && { oracle: summarizeOracle(hardness) }),
  };
}

function fidelityOf({
  settings,
  fidelity,
}: Pick<HardnessRecords, 'settings' | 'fidelity'>): HardnessSummary['fidelity'] {
  const defined = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined);
  const anotherSeed = decibelsOf(defined(fidelity.map(({ otherSeed }) => otherSeed)));
  const anotherPrompt = decibelsOf(defined(fidelity.map(({ otherPrompt }) => otherPrompt)));
  const labels = Object.keys(fidelity[0]!.psnr);
  return {
    clips: fidelity.length,
    rows: labels.map((label) => {
      const psnr = decibelsOf(fidelity.map((record) => record.psnr[label]!))!;
      const evaluations = label === cached ? settings.cached.evaluations : Number(label.split('#')[1]);
      const above = anotherSeed && { aboveAnotherSeed: rounded(psnr.median - anotherSeed.median, 2) };
      return { label, evaluations, ...psnr, ...above };
    }),
    ...(anotherSeed && { anotherSeed }),
    ...(anotherPrompt && { anotherPrompt }),
    ...(labels.includes(sortingRow) && { prompts: promptsOf(fidelity) }),
    trajectory: {
      divergence: mediansByStep(fidelity.map(({ trajectory }) => trajectory.divergence)),
      bend: mediansByStep(fidelity.map(({ trajectory }) => trajectory.bend)),
      detour: quantile(
        fidelity.map(({ trajectory }) => trajectory.detour),
        0.5,
      ),
    },
    agreement: agreementOf(fidelity),
  };
}

function promptsOf(fidelity: HardnessRecords['fidelity']): PromptSpread {
  const perPrompt = [...new Set(fidelity.map(({ prompt }) => prompt))].map((prompt) =>
    fidelity.filter((record) => record.prompt === prompt).map(({ psnr }) => psnr[sortingRow]!),
  );
  const values = perPrompt.map(mean);
  const paired = perPrompt.filter((seeds) => seeds.length > 1);
  const order = rankCorrelation(
    paired.map(([first]) => first!),
    paired.map(([, second]) => second!),
  );
  const at = (share: number) => rounded(quantile(values, share), 2);
  return {
    row: sortingRow,
    prompts: values.length,
    tenth: at(0.1),
    median: at(0.5),
    ninetieth: at(0.9),
    gap: rounded(gapOfTenths(values), 2),
    ...(Number.isFinite(order) && { orderBetweenSeeds: rounded(order, 3) }),
  };
}

function agreementOf(
  records: readonly { readonly verdicts?: Readonly<Record<string, Verdict>> }[],
): AgreementSummary[] {
  const verdicts = records.map((record) => record.verdicts).filter((verdict) => verdict !== undefined);
  const labels = Object.keys(verdicts[0] ?? {});
  const counts = [...new Set(verdicts.map((verdict) => verdict[reference]!.objects))].sort();
  return labels.flatMap((label) =>
    counts.map((objects) => {
      const own = verdicts.map((verdict) => verdict[label]!).filter((verdict) => verdict.objects === objects);
      const share = (isRight: (verdict: Verdict) => boolean) => rounded(own.filter(isRight).length / own.length, 4);
      const single = judged.map((attribute) => [attribute, share(({ wrong }) => !wrong.includes(attribute))] as const);
      const right = { ...Object.fromEntries(single), all: share(({ wrong }) => wrong.length === 0) };
      return { label, objects, clips: own.length, right };
    }),
  );
}

function decibelsOf(values: readonly number[]): Decibels | undefined {
  if (values.length === 0) return undefined;
  const at = (share: number) => rounded(quantile(values, share), 2);
  return { median: at(0.5), tenth: at(0.1), worst: at(0) };
}

const mediansByStep = (runs: readonly (readonly number[])[]): number[] =>
  (runs[0] ?? []).map((_, step) =>
    rounded(
      quantile(
        runs.map((run) => run[step]!),
        0.5,
      ),
      4,
    ),
  );
