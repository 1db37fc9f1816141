/**
 * From clips to rows of a table. Speed-ups are taken per clip, against full computation in fp32 of the same prompt and
 * seed, and then summarised: a ratio of two runs that followed each other says more than a ratio of two medians.
 */
import {
  type AgreementShares,
  agreementShares,
  type ImageTextScores,
  overallAgreement,
  sceneAgreement,
} from '../api/metrics.ts';
import type { Cell, ClipResult, ClipTimes, Comparison, Fidelity, RowSummary, SpeedUps } from './comparison.ts';
import { fullRow } from './rows.ts';
import { spreadOf } from './spread.ts';
import type { TemporalFigures } from './temporal.ts';

/** One summary per row that has clips, in the order of the rows. */
export function summarizeRows({
  settings,
  rows,
  cells,
  fullStep,
  clips,
}: Pick<Comparison, 'settings' | 'rows' | 'cells' | 'fullStep' | 'clips'>): RowSummary[] {
  const wanted = new Set(cells.map(keyOf));
  const own = (label: string) => clips.filter((clip) => clip.row === label && wanted.has(keyOf(clip)));
  const full = (numSteps: number) => own(fullRow(numSteps, settings.numSteps).label);
  const steps = settings.numSteps;
  return rows.flatMap((row) => {
    const made = own(row.label);
    if (made.length === 0) return [];
    const mean = (value: (clip: ClipResult) => number) =>
      made.reduce((sum, clip) => sum + value(clip), 0) / made.length;
    const agreement = agreementOf(made);
    return {
      label: row.label,
      numSteps: row.numSteps,
      clips: made.length,
      times: timesOf(made),
      reference: speedUps(made, full(steps)),
      sameSteps: speedUps(made, full(row.numSteps)),
      at30: speedUps(made, full(30)),
      modules: mean(({ modules }) => modules) / (fullStep.modules * steps),
      flops: mean(({ flops }) => flops) / (fullStep.flops * steps),
      precisions: precisionsOf(made),
      fidelity: fidelityOf(made),
      temporal: temporalOf(made),
      agreement,
      sceneAgreement: agreement && sceneAgreement(agreement),
      overallAgreement: agreement && overallAgreement(agreement),
      clipScores: clipScoresOf(made),
      peakBytes: Math.max(...made.map(({ peakBytes }) => peakBytes)),
    };
  });
}

const keyOf = ({ prompt, seed }: Cell): string => `${seed} ${prompt}`;

function timesOf(clips: readonly ClipResult[]): RowSummary['times'] {
  const spread = (name: keyof ClipTimes) => spreadOf(clips.map(({ times }) => times[name]));
  return {
    total: spread('total'),
    text: spread('text'),
    denoise: spread('denoise'),
    decode: spread('decode'),
    save: spread('save'),
    processor: spread('processor'),
  };
}

function precisionsOf(clips: readonly ClipResult[]): RowSummary['precisions'] {
  const names = [...new Set(clips.flatMap(({ precisions }) => Object.keys(precisions)))];
  const mean = (name: string) => clips.reduce((sum, { precisions }) => sum + (precisions[name] ?? 0), 0) / clips.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}

/** Undefined unless both were measured on some cell. */
function speedUps(clips: readonly ClipResult[], references: readonly ClipResult[]): SpeedUps | undefined {
  const byCell = new Map(references.map((clip) => [keyOf(clip), clip]));
  const pairs = clips.flatMap((clip) => {
    const reference = byCell.get(keyOf(clip));
    return reference ? [{ clip, reference }] : [];
  });
  if (pairs.length === 0) return undefined;
  const ratio = (name: keyof ClipTimes) =>
    spreadOf(pairs.map(({ clip, reference }) => reference.times[name] / clip.times[name]));
  return { endToEnd: ratio('total'), transformer: ratio('denoise'), processor: ratio('processor') };
}

function fidelityOf(clips: readonly ClipResult[]): RowSummary['fidelity'] {
  const compared = clips.flatMap((clip) => (clip.fidelity ? [{ ...clip, fidelity: clip.fidelity }] : []));
  if (compared.length === 0) return undefined;
  const spread = (name: keyof Fidelity) => spreadOf(compared.map(({ fidelity }) => fidelity[name]!));
  const { prompt, seed } = compared.reduce((worst, clip) => (clip.fidelity.psnr < worst.fidelity.psnr ? clip : worst));
  const seen = compared.every(({ fidelity }) => fidelity.featureDistance !== undefined);
  return {
    psnr: spread('psnr'),
    ssim: spread('ssim'),
    relativeL2: spread('relativeL2'),
    ...(seen && { featureDistance: spread('featureDistance') }),
    worst: { prompt, seed },
  };
}

function temporalOf(clips: readonly ClipResult[]): TemporalFigures | undefined {
  const figures = clips.flatMap(({ temporal }) => temporal ?? []);
  if (figures.length < clips.length) return undefined;
  const names = Object.keys(figures[0]!) as (keyof TemporalFigures)[];
  const known = names.filter((name) => figures.every((one) => one[name] !== undefined));
  const mean = (name: keyof TemporalFigures) => figures.reduce((sum, one) => sum + one[name]!, 0) / figures.length;
  return Object.fromEntries(known.map((name) => [name, mean(name)])) as unknown as TemporalFigures;
}

function clipScoresOf(clips: readonly ClipResult[]): ImageTextScores | undefined {
  const scores = clips.flatMap(({ clipScores }) => clipScores ?? []);
  const { model } = scores[0] ?? {};
  if (model === undefined || scores.length < clips.length || scores.some((one) => one.model !== model))
    return undefined;
  const mean = (name: 'clipSim' | 'clipTemp') => scores.reduce((sum, one) => sum + one[name], 0) / scores.length;
  return { model, clipSim: mean('clipSim'), clipTemp: mean('clipTemp') };
}

function agreementOf(clips: readonly ClipResult[]): AgreementShares | undefined {
  const judged = clips.flatMap(({ agreement }) => agreement ?? []);
  return judged.length > 0 ? agreementShares(judged) : undefined;
}
