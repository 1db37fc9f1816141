/** What the Markdown tables of a comparison say of a row: first what rows are compared by, then all that is left. */
import type { Comparison, RowSummary, SpeedUps } from './comparison.ts';
import { dimensions } from './dimensions.ts';
import { isBusy } from './machine.ts';
import type { Spread } from './spread.ts';
import { decibels, fourDigits, percent, times } from './texts.ts';

export type Column = readonly [title: string, cell: (row: RowSummary) => string];

const policy: Column = ['policy', ({ label }) => label];

/** Speed and quality, in a width that can be read; speed-ups are medians against the comparison's own full computation. */
export function mainColumns(comparison: Comparison): Column[] {
  const { summary } = comparison;
  return [
    policy,
    ['precision', ({ precisions }) => precisionsText(precisions)],
    ['steps', ({ numSteps }) => String(numSteps)],
    ['computed', ({ flops }) => percent(flops)],
    ['end to end', ({ reference }) => median(reference, 'endToEnd')],
    ['transformer', ({ reference }) => median(reference, 'transformer')],
    ...when(isBusy(comparison), [['processor time', ({ reference }) => median(reference, 'processor')]]),
    ...when(has30(comparison), [['end to end, full at 30', ({ at30 }) => median(at30, 'endToEnd')]]),
    ['PSNR (worst)', ({ fidelity: f }) => (f ? `${decibels(f.psnr.median)} (${decibels(f.psnr.least)})` : '-')],
    ['SSIM (worst)', ({ fidelity: f }) => (f ? `${f.ssim.median.toFixed(3)} (${f.ssim.least.toFixed(3)})` : '-')],
    ...when(
      summary.some(({ agreement }) => agreement),
      [['agreement', ({ agreement }) => textOf(agreement?.all, percent)]],
    ),
  ];
}

/** Speed-ups with their quartiles and against the other denominators, time, memory, and distances in other spaces. */
export function detailColumns(comparison: Comparison): Column[] {
  const { summary, settings } = comparison;
  const speeds = (suffix: string, against: 'reference' | 'sameSteps' | 'at30'): Column[] => [
    [`end to end${suffix}`, (row) => quartiles(row[against], 'endToEnd')],
    [`transformer${suffix}`, (row) => quartiles(row[against], 'transformer')],
    ...when(isBusy(comparison), [[`processor time${suffix}`, (row) => quartiles(row[against], 'processor')]]),
  ];
  return [
    policy,
    ['time', ({ times }) => `${(times.total.median / 1000).toFixed(2)} s`],
    ...speeds('', 'reference'),
    ...when(
      summary.some(({ numSteps }) => numSteps !== settings.numSteps),
      speeds(', same steps', 'sameSteps'),
    ),
    ...when(has30(comparison), speeds(', full at 30', 'at30')),
    ['modules', ({ modules }) => percent(modules)],
    ['latent error', ({ fidelity }) => textOf(fidelity?.relativeL2.median, fourDigits)],
    ...when(
      summary.some(({ fidelity }) => fidelity?.featureDistance),
      [['feature distance (worst)', ({ fidelity }) => featureDistance(fidelity?.featureDistance)]],
    ),
    ['memory', ({ peakBytes }) => `${(peakBytes / 2 ** 20).toFixed(0)} MB`],
  ];
}

/** What clips show by themselves, compared with no other; nothing but names where no row has any such figure. */
export function clipColumns({ summary }: Comparison): Column[] {
  return [
    policy,
    ...dimensions.flatMap(({ title, value, text }) =>
      when(
        summary.some((row) => value(row) !== undefined),
        [[title, (row) => textOf(value(row), text)]],
      ),
    ),
    ...when(
      summary.some(({ clipScores }) => clipScores),
      [
        ['CLIPSIM', ({ clipScores }) => textOf(clipScores?.clipSim, fourDigits)],
        ['CLIP-Temp', ({ clipScores }) => textOf(clipScores?.clipTemp, fourDigits)],
      ],
    ),
  ];
}

const when = (shown: unknown, columns: readonly Column[]): readonly Column[] => (shown ? columns : []);

/** Whether there is a second denominator, full computation with 30 steps beside that with more. */
const has30 = ({ settings, summary }: Comparison): boolean =>
  settings.numSteps !== 30 && summary.some(({ at30 }) => at30);

/** What was really computed in, by share: `w8a8`, or `w8a8 92% fp32 8%`. A policy may choose otherwise than its row says. */
function precisionsText(precisions: RowSummary['precisions']): string {
  const used = Object.entries(precisions).sort(([, a], [, b]) => b - a);
  return used.map(([name, share]) => (used.length === 1 ? name : `${name} ${Math.round(share * 100)}%`)).join(' ');
}

const median = (speedUps: SpeedUps | undefined, part: keyof SpeedUps): string => textOf(speedUps?.[part].median, times);

const quartiles = (speedUps: SpeedUps | undefined, part: keyof SpeedUps): string =>
  speedUps ? `${median(speedUps, part)} (${speedUps[part].lower.toFixed(2)}-${speedUps[part].upper.toFixed(2)})` : '-';

const featureDistance = (spread: Spread | undefined): string =>
  spread ? `${fourDigits(spread.median)} (${fourDigits(spread.most)})` : '-';

const textOf = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);
