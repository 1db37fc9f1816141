/** The table of all rows, with every figure and what it means. */
import type { Comparison, SpeedUps } from '../comparison.ts';
import { dimensions } from '../dimensions.ts';
import type { Entry } from '../entries.ts';
import { isBusy } from '../machine.ts';
import type { Spread } from '../spread.ts';
import { counted, decibels, fourDigits, percent, times } from '../texts.ts';
import { breakable, html, type Markup } from './html.ts';

interface Column {
  readonly title: string;
  /** One sentence, shown on hovering. */
  readonly meaning: string;
  readonly value: (entry: Entry) => number | undefined;
  readonly text: (value: number) => string;
  readonly detail?: (entry: Entry) => string | undefined;
}

/** A sortable table in the order of the entries, and what its columns mean, for who cannot hover. */
export function tableOf(comparison: Comparison, entries: readonly Entry[]): Markup {
  const columns = columnsOf(comparison).filter(({ value }) => entries.some((entry) => value(entry) !== undefined));
  return html`<div class="scroll tall"><table id="rows"><thead><tr><th class="name" scope="col">row</th>${columns.map(
    ({ title, meaning }, i) =>
      html`<th scope="col"><button type="button" data-column="${i + 1}" title="${meaning}">${title}</button></th>`,
  )}</tr></thead><tbody>${entries.map((entry) => rowOf(entry, columns))}</tbody></table></div>
<details><summary>What the columns mean</summary><dl>${columns.map(({ title, meaning }) => html`<dt>${title}</dt><dd>${meaning}</dd>`)}</dl></details>`;
}

function rowOf(entry: Entry, columns: readonly Column[]): Markup {
  const { row, kind, simulated, rank } = entry;
  const mark = simulated ? html` <span class="tag warn" title="${simulated}">simulated</span>` : undefined;
  return html`<tr data-kind="${kind}" class="${kind.replace(' ', '-')}"><th class="name" scope="row"><span class="rank">${rank ?? '–'}</span><code>${breakable(row.label)}</code> <span class="tag">${kind}</span>${mark}</th>${columns.map(
    ({ value, text, detail }) => {
      const number = value(entry);
      if (number === undefined) return html`<td>–</td>`;
      return html`<td data-value="${number}" title="${detail?.(entry) ?? ''}">${text(number)}</td>`;
    },
  )}</tr>`;
}

function columnsOf(comparison: Comparison): Column[] {
  const busy = isBusy(comparison);
  const steps = comparison.settings.numSteps;
  const speed = (
    title: string,
    against: 'reference' | 'sameSteps' | 'at30',
    part: keyof SpeedUps,
    meaning: string,
  ): Column => ({
    title,
    meaning: `${meaning} Median over clips.`,
    value: ({ summary }) => summary[against]?.[part].median,
    text: times,
    detail: ({ summary }) => quartiles(summary[against]?.[part], times),
  });
  const parts: [string, keyof SpeedUps, string][] = [
    ['end to end', 'endToEnd', 'From the prompt to the mp4'],
    ['transformer', 'transformer', 'The denoising loop'],
    ...(busy ? [['processor', 'processor', 'By processor time'] as [string, keyof SpeedUps, string]] : []),
  ];
  const figure = (title: string, meaning: string, value: Column['value'], text: Column['text']): Column => ({
    title,
    meaning,
    value,
    text,
  });
  return [
    figure('steps', 'Denoising steps.', ({ summary }) => summary.numSteps, String),
    ...parts.map(([name, part, what]) =>
      speed(name, 'reference', part, `${what}, against full computation with ${counted(steps, 'step')}.`),
    ),
    ...(steps === 30
      ? []
      : parts.map(([name, part, what]) =>
          speed(`${name}, full at 30`, 'at30', part, `${what}, against full computation with 30 steps.`),
        )),
    figure(
      'PSNR',
      'Decibels against the clip of full computation; median over clips.',
      ({ summary }) => summary.fidelity?.psnr.median,
      decibels,
    ),
    figure('PSNR, worst', 'Of the worst clip.', ({ summary }) => summary.fidelity?.psnr.least, decibels),
    figure(
      'SSIM',
      'Structural similarity to the clip of full computation; median.',
      ({ summary }) => summary.fidelity?.ssim.median,
      (value) => value.toFixed(3),
    ),
    figure(
      'relative L2',
      'Distance of the final latents; median.',
      ({ summary }) => summary.fidelity?.relativeL2.median,
      fourDigits,
    ),
    figure(
      'feature distance',
      'Distance of what the model’s own VAE encoder sees in both clips, as LPIPS but without learned weights; median.',
      ({ summary }) => summary.fidelity?.featureDistance?.median,
      fourDigits,
    ),
    figure(
      'feature distance, worst',
      'Of the worst clip.',
      ({ summary }) => summary.fidelity?.featureDistance?.most,
      fourDigits,
    ),
    figure(
      'agreement',
      'Share of clips that show all that the prompt asks for.',
      ({ summary }) => summary.agreement?.all,
      percent,
    ),
    ...dimensions.map(({ title, vbench, meaning, value, text }) =>
      figure(title, `${meaning} In VBench: ${vbench}.`, ({ summary }) => value(summary), text),
    ),
    figure(
      'CLIPSIM',
      'Mean likeness of frames and caption to the CLIP model that was named.',
      ({ summary }) => summary.clipScores?.clipSim,
      fourDigits,
    ),
    figure(
      'CLIP-Temp',
      'Mean likeness of neighbouring frames to the CLIP model that was named.',
      ({ summary }) => summary.clipScores?.clipTemp,
      fourDigits,
    ),
    ...(comparison.rows.every(({ numSteps }) => numSteps === steps)
      ? []
      : parts.map(([name, part, what]) =>
          speed(`${name}, same steps`, 'sameSteps', part, `${what}, against full computation with as many steps.`),
        )),
    figure(
      'FLOPs',
      'Operations of the transformer, of those of full computation.',
      ({ summary }) => summary.flops,
      percent,
    ),
    figure(
      'time',
      'Seconds by the clock, from the prompt to the mp4; median.',
      ({ summary }) => summary.times.total.median / 1000,
      (value) => `${value.toFixed(2)} s`,
    ),
    figure(
      'memory',
      'The most that was resident; earlier rows of the same process count.',
      ({ summary }) => summary.peakBytes / 2 ** 20,
      (value) => `${value.toFixed(0)} MB`,
    ),
    figure('clips', 'Clips measured.', ({ summary }) => summary.clips, String),
  ];
}

const quartiles = (spread: Spread | undefined, text: (value: number) => string): string | undefined =>
  spread && `quartiles ${text(spread.lower)} to ${text(spread.upper)}, worst ${text(spread.least)}`;
