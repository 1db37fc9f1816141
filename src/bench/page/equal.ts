/** The section that sets every other row beside the best of ours at its speed. */
import type { Entry } from '../entries.ts';
import { atEqualSpeed, type EqualSpeed, tolerance } from '../equalspeed.ts';
import { counted, decibels, percent, times } from '../texts.ts';
import { breakable, html, type Markup } from './html.ts';

/** The section; nothing where there is no pair. */
export function equalSpeedOf(entries: readonly Entry[]): Markup {
  const pairs = atEqualSpeed(entries);
  if (pairs.length === 0) return html``;
  const better = pairs.filter(({ psnr }) => psnr > 0).length;
  return html`<section><h2>At equal speed</h2>
<p>Beside each row, the best of ours that is at least as fast (within ${tolerance * 100}%): better in PSNR than ${better} of ${counted(pairs.length, 'row')}.</p>
<div class="scroll tall"><table class="equal"><thead><tr><th class="name" scope="col">row</th>${['speed', 'PSNR', 'agreement', 'ours', 'speed', 'PSNR', 'agreement', 'more PSNR'].map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${pairs.map(pairOf)}</tbody></table></div></section>`;
}

const pairOf = ({ other, ours, psnr }: EqualSpeed): Markup =>
  html`<tr class="${psnr > 0 ? '' : 'behind'}"><th class="name" scope="row"><code>${breakable(other.row.label)}</code></th>${figuresOf(other)}<td class="own"><code>${breakable(ours.row.label)}</code></td>${figuresOf(ours)}<td>${psnr > 0 ? '+' : ''}${psnr.toFixed(1)}</td></tr>`;

const figuresOf = ({ speed, summary: { fidelity, agreement } }: Entry): Markup[] =>
  [times(speed), fidelity ? decibels(fidelity.psnr.median) : '–', agreement ? percent(agreement.all) : '–'].map(
    (text) => html`<td>${text}</td>`,
  );
