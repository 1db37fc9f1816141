/** The page of a comparison: one HTML file that needs nothing else, neither a server nor a network. */
import type { Comparison } from '../comparison.ts';
import { type Entry, entriesOf } from '../entries.ts';
import type { KeptClip } from '../kept.ts';
import { isBusy } from '../machine.ts';
import { spreadOf } from '../spread.ts';
import { counted, decibels } from '../texts.ts';
import { barsOf } from './bars.ts';
import { chartOf } from './chart.ts';
import { clipsOf, mapsOf } from './clips.ts';
import { equalSpeedOf } from './equal.ts';
import { breakable, html, type Markup, trusted } from './html.ts';
import { script } from './script.ts';
import { styles } from './styles.ts';
import { tableOf } from './table.ts';

/** Writes the page. Every number in it comes from the comparison's clips. */
export function comparisonPage(comparison: Comparison, kept: readonly KeptClip[] = []): string {
  const entries = entriesOf(comparison);
  const title = `${counted(comparison.rows.length, 'way')} to make a video with ${comparison.settings.model}`;
  const { markup } = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${trusted(styles)}</style></head>
<body><header><h1>${title}</h1>${factsOf(comparison)}</header>
<main><section><h2>Speed at a quality</h2>${barsOf(entries)}</section>
<section><h2>Speed against quality</h2><div class="charts">${chartsOf(entries)}</div></section>
${equalSpeedOf(entries)}<section><h2>All rows</h2>${explanationOf(comparison)}${tableOf(comparison, entries)}</section>
${clipsOf(comparison, entries, kept)}${mapsOf(comparison, entries, kept)}</main>
<script>${trusted(script)}</script></body></html>
`;
  return markup;
}

/** What was compared, where, and by which command. */
function factsOf(comparison: Comparison): Markup {
  const { settings, machines, cells, clips, rows } = comparison;
  const { geometry } = settings;
  const machine = machines.at(-1);
  const loads = clips.length > 0 ? spreadOf(clips.map(({ load }) => load)) : undefined;
  const missing = rows.length * cells.length - clips.filter((clip) => isWanted(comparison, clip)).length;
  const facts: [string, string][] = [
    [
      'clips',
      `${counted(geometry.numFrames, 'frame')} of ${geometry.width}x${geometry.height}, ${counted(settings.numSteps, 'step')}, guidance ${settings.guidanceScale}`,
    ],
    ['prompts', `${counted(cells.length, 'pair')} of prompt and seed, the same for all rows, rows interleaved`],
    ...(machine
      ? ([
          [
            'machine',
            `${machine.processor}, ${counted(machine.cores, 'core')}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GB, ${machine.system}`,
          ],
          ['engine', `quantcache ${machine.version} at ${machine.commit}, ${machine.runtime}, Node ${machine.node}`],
          ['measured', machines.map(({ date }) => date.slice(0, 16).replace('T', ' ')).join(', ')],
        ] satisfies [string, string][])
      : []),
    ...(loads
      ? ([
          ['load', `${loads.least.toFixed(1)} to ${loads.most.toFixed(1)}, median ${loads.median.toFixed(1)}`],
        ] satisfies [string, string][])
      : []),
  ];
  const commands = [...new Set(machines.flatMap(({ command }) => command ?? []))];
  return html`<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${commands.map((command) => html`<pre>${wordsOf(command)}</pre>`)}${
    isBusy(comparison)
      ? html`<p class="warning">The machine was busy: more programs wanted a core than it has. Times by the clock are too long, so bars and curves go by processor time.</p>`
      : undefined
  }${missing > 0 ? html`<p class="warning">Not finished: ${missing} of ${counted(rows.length * cells.length, 'clip')} missing. The same command continues.</p>` : undefined}`;
}

/** A command that breaks between its words and inside of lists, but not at the dashes of an option. */
const wordsOf = (command: string): Markup[] =>
  command
    .split(/(?<= )/)
    .map((word) => (word.startsWith('-') ? html`<span class="option">${word}</span>` : breakable(word)));

const isWanted = ({ rows, cells }: Comparison, { row, prompt, seed }: Comparison['clips'][number]): boolean =>
  rows.some(({ label }) => label === row) && cells.some((cell) => cell.prompt === prompt && cell.seed === seed);

function chartsOf(entries: readonly Entry[]): Markup {
  return html`${chartOf(entries, {
    title: 'Fidelity: median PSNR against full computation, in dB',
    value: ({ summary, kind }) => (kind === 'full' ? undefined : summary.fidelity?.psnr.median),
    text: decibels,
    most: 60,
  })}${chartOf(entries, {
    title: 'Agreement: clips that show all that was asked for',
    value: ({ summary }) => summary.agreement?.all,
    most: 1,
    text: (value) => `${Math.round(value * 100)}%`,
  })}`;
}

function explanationOf({ settings, rows }: Comparison): Markup {
  const simpler = rows.some(({ recipe }) => recipe)
    ? ' Quantization methods are run as recipes on one set of kernels, without training or reconstruction.'
    : '';
  return html`<p>Ranked by speed against full computation in fp32 with ${counted(settings.numSteps, 'step')}. A precision that this machine only simulates has no rank. Rows of fewer steps are plain full computation that takes fewer: what does not beat them is not worth its code.${simpler} Hover a heading for what it means, click to sort.</p>`;
}
