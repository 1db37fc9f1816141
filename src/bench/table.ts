/** Tables in Markdown, aligned so that they read as well on a terminal. */
import type { AgreementShares } from '../index.ts';
import type { Comparison } from './comparison.ts';
import { dimensions } from './dimensions.ts';
import { type Spread, spreadOf } from './spread.ts';
import type { RowSummary, SpeedUps } from './summary.ts';

type Column = readonly [title: string, cell: (row: RowSummary) => string];

/** A Markdown table; the first column is aligned left, the others right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** The table of a comparison with a line below on how it was made. */
export function comparisonTable(comparison: Comparison): string {
  const { summary } = comparison;
  const both = summary.some(({ numSteps, at30 }) => numSteps !== 30 && at30);
  const own = both ? ', same steps' : '';
  const judged = summary.some(({ agreement }) => agreement);
  const columns: Column[] = [
    ['policy', ({ label }) => label],
    ['steps', ({ numSteps }) => String(numSteps)],
    ['time', ({ times }) => `${(times.total.median / 1000).toFixed(2)} s`],
    [`end to end${own}`, (row) => speedUp(row.sameSteps, 'endToEnd')],
    [`transformer${own}`, (row) => speedUp(row.sameSteps, 'transformer')],
    ...when(both, [
      ['end to end, full at 30', (row) => speedUp(row.at30, 'endToEnd')],
      ['transformer, full at 30', (row) => speedUp(row.at30, 'transformer')],
    ]),
    ...when(isBusy(comparison), [[`processor time${own}`, (row) => speedUp(row.sameSteps, 'processor')]]),
    ['modules', ({ modules }) => percent(modules)],
    ['FLOPs', ({ flops }) => percent(flops)],
    ['PSNR (worst)', ({ fidelity: f }) => (f ? `${decibels(f.psnr.median)} (${decibels(f.psnr.least)})` : '-')],
    ['SSIM (worst)', ({ fidelity: f }) => (f ? `${f.ssim.median.toFixed(3)} (${f.ssim.least.toFixed(3)})` : '-')],
    ['latent error', ({ fidelity: f }) => (f ? f.relativeL2.median.toFixed(4) : '-')],
    ...when(
      summary.some(({ fidelity }) => fidelity?.featureDistance),
      [['feature distance (worst)', ({ fidelity }) => featureDistance(fidelity?.featureDistance)]],
    ),
    ...when(judged, [['agreement', ({ agreement }) => percent(agreement?.all)]]),
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
    ['memory', ({ peakBytes }) => `${(peakBytes / 2 ** 20).toFixed(0)} MB`],
  ];
  const table = markdownTable(
    columns.map(([title]) => title),
    summary.map((row) => columns.map(([, cell]) => cell(row))),
  );
  const worst = worstClips(summary);
  return `${table}\n\n${footnote(comparison)}\n${worst && `\nWorst clips:\n${worst}\n`}`;
}

const when = (shown: unknown, columns: readonly Column[]): readonly Column[] => (shown ? columns : []);

/** Whether more processes wanted a core than there are: times by the clock then say little, processor times more. */
export function isBusy({ machines, clips }: Comparison): boolean {
  const cores = machines.at(-1)?.cores ?? Number.POSITIVE_INFINITY;
  return clips.length > 0 && spreadOf(clips.map(({ load }) => load)).median > cores + 1;
}

function worstClips(summary: readonly RowSummary[]): string {
  const lines = summary.flatMap(({ label, fidelity }) =>
    fidelity && fidelity.psnr.least < 120
      ? `- ${label}: ${decibels(fidelity.psnr.least)} dB, "${fidelity.worst.prompt}", seed ${fidelity.worst.seed}`
      : [],
  );
  return lines.join('\n');
}

/** Shares of right clips per attribute. */
export function agreementTable(shares: AgreementShares, clips: number): string {
  const row = (name: string, share: number) => [name, percent(share), `${Math.round(share * clips)} of ${clips}`];
  const { all, ...single } = shares;
  return markdownTable(
    ['attribute', 'right', 'clips'],
    [...Object.entries(single).map(([name, share]) => row(name, share)), row('all at once', all)],
  );
}

/** Where, on what and how a comparison was measured, and what its columns mean. */
function footnote(comparison: Comparison): string {
  const { settings, machines, cells, clips, rows } = comparison;
  const [prompts, seeds] = [new Set(cells.map(({ prompt }) => prompt)), new Set(cells.map(({ seed }) => seed))];
  const { geometry } = settings;
  const machine = machines.at(-1);
  const sentences = [
    `Model ${settings.model}, ${geometry.numFrames} frames of ${geometry.width}x${geometry.height}, guidance ${settings.guidanceScale}; ${prompts.size} prompts, seeds ${[...seeds].join(', ')}.`,
    `Speed-ups: median (quartiles) over clips against ${rows[0]!.label} fp32 of the same prompt, seed and number of steps. Time: prompt to mp4. Fidelity: against ${rows[0]!.label} at ${settings.numSteps} steps, median and worst clip.`,
  ];
  if (machine)
    sentences.push(
      `${machine.processor}, ${machine.cores} cores, ${machine.runtime}, Node ${machine.node}, quantcache ${machine.version} at ${machine.commit}, ${machine.date.slice(0, 10)}.`,
    );
  if (machine && clips.length > 0) {
    const load = spreadOf(clips.map((clip) => clip.load));
    const busy = isBusy(comparison) ? ': the machine was busy, times by the clock are too long' : '';
    sentences.push(
      `Load ${load.least.toFixed(1)} to ${load.most.toFixed(1)}, median ${load.median.toFixed(1)}${busy}.`,
    );
  }
  return sentences.join(' ');
}

function speedUp(speedUps: SpeedUps | undefined, part: keyof SpeedUps): string {
  if (!speedUps) return '-';
  const { lower, median, upper } = speedUps[part];
  return `${median.toFixed(2)}x (${lower.toFixed(2)}-${upper.toFixed(2)})`;
}

const textOf = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);
const fourDigits = (value: number): string => value.toFixed(4);
const featureDistance = (spread: Spread | undefined): string =>
  spread ? `${spread.median.toFixed(4)} (${spread.most.toFixed(4)})` : '-';

const decibels = (value: number): string => (value >= 120 ? 'equal' : value.toFixed(1));
const percent = (share: number | undefined): string => (share === undefined ? '-' : `${(share * 100).toFixed(1)}%`);
