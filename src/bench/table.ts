/** Tables in Markdown, aligned so that they read as well on a terminal. */
import type { AgreementShares } from '../api/metrics.ts';
import { type Column, clipColumns, detailColumns, mainColumns } from './columns.ts';
import type { Comparison, RowSummary } from './comparison.ts';
import { entriesOf } from './entries.ts';
import { atEqualSpeed, figuresOf, pairFigures, signed, tolerance } from './equalspeed.ts';
import { isBusy } from './machine.ts';
import { spreadOf } from './spread.ts';
import { counted, decibels, percent } from './texts.ts';

/** A Markdown table; the first column is aligned left, the others right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/**
 * The tables of a comparison: what rows are compared by, with a paragraph on how it was made; then, each with a line that
 * explains it, all other rows beside ours at equal speed, the details and what clips show by themselves; then the worst
 * clips.
 */
export function comparisonTable(comparison: Comparison): string {
  const clipTable = clipColumns(comparison);
  const parts = [
    tableOf(comparison, mainColumns(comparison)),
    footnote(comparison),
    ...equalSpeedTable(comparison),
    'Of the same rows, in detail: median time from the prompt to the mp4, speed-ups with their quartiles, modules computed, median distances of the final latents and of what the VAE’s encoder sees, the most memory that was resident.',
    tableOf(comparison, detailColumns(comparison)),
    ...(clipTable.length > 1
      ? [
          'What clips show by themselves, means over clips: counterparts of VBench’s dimensions, each defined in `src/bench/dimensions.ts`, and the scores of a CLIP model where one was named.',
          tableOf(comparison, clipTable),
        ]
      : []),
    worstClips(comparison.summary),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const tableOf = ({ summary }: Comparison, columns: readonly Column[]): string =>
  markdownTable(
    columns.map(([title]) => title),
    summary.map((row) => columns.map(([, cell]) => cell(row))),
  );

/** Every other row beside the best of ours at its speed. */
function equalSpeedTable(comparison: Comparison): string[] {
  const pairs = atEqualSpeed(entriesOf(comparison));
  if (pairs.length === 0) return [];
  return [
    `At equal speed, within ${tolerance * 100}%: beside each row, the best of ours that is at least as fast.`,
    markdownTable(
      ['row', ...pairFigures, 'ours', ...pairFigures, 'more PSNR'],
      pairs.map(({ other, ours, psnr }) => [
        other.row.label,
        ...figuresOf(other, '-'),
        ours.row.label,
        ...figuresOf(ours, '-'),
        signed(psnr),
      ]),
    ),
  ];
}

function worstClips(summary: readonly RowSummary[]): string {
  const lines = summary.flatMap(({ label, fidelity }) =>
    fidelity && fidelity.psnr.least < 120
      ? `- ${label}: ${decibels(fidelity.psnr.least)} dB, "${fidelity.worst.prompt}", seed ${fidelity.worst.seed}`
      : [],
  );
  return lines.length > 0 ? ['Worst clips:', ...lines].join('\n') : '';
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
  const reference = `${rows[0]!.label} fp32 at ${counted(settings.numSteps, 'step')}`;
  const machine = machines.at(-1);
  const sentences = [
    `Model ${settings.model}, ${counted(geometry.numFrames, 'frame')} of ${geometry.width}x${geometry.height}, guidance ${settings.guidanceScale}; ${counted(prompts.size, 'prompt')}, ${seeds.size === 1 ? 'seed' : 'seeds'} ${[...seeds].join(', ')}.`,
    `Speed-ups: median over clips against ${reference} of the same prompt and seed, end to end from the prompt to the mp4. PSNR and SSIM: against its clip, median (worst). Computed: operations of the transformer, of those of ${reference}.`,
  ];
  if (machine)
    sentences.push(
      `${machine.processor}, ${counted(machine.cores, 'core')}, ${machine.runtime}, Node ${machine.node}, quantcache ${machine.version} at ${machine.commit}, ${machine.date.slice(0, 10)}.`,
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
