/** The section that sets every other row beside the best of ours at its speed. */
import type { Entry } from '../entries.ts';
import { atEqualSpeed, type EqualSpeed, figuresOf, pairFigures, signed, tolerance } from '../equalspeed.ts';
import { counted } from '../texts.ts';
import { breakable, html, type Markup } from './html.ts';

/** The section; nothing where there is no pair. */
export function equalSpeedOf(entries: readonly Entry[]): Markup {
  const pairs = atEqualSpeed(entries);
  if (pairs.length === 0) return html``;
  const better = pairs.filter(({ psnr }) => psnr > 0).length;
  return html`<section><h2>At equal speed</h2>
<p>Beside each row, the best of ours that is at least as fast (within ${tolerance * 100}%): better in PSNR than ${better} of ${counted(pairs.length, 'row')}.</p>
<div class="scroll tall"><table class="equal"><thead><tr><th class="name" scope="col">row</th>${[...pairFigures, 'ours', ...pairFigures, 'more PSNR'].map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${pairs.map(pairOf)}</tbody></table></div></section>`;
}

const pairOf = ({ other, ours, psnr }: EqualSpeed): Markup =>
  html`<tr class="${psnr > 0 ? '' : 'behind'}"><th class="name" scope="row"><code>${breakable(other.row.label)}</code></th>${cellsOf(other)}<td class="own"><code>${breakable(ours.row.label)}</code></td>${cellsOf(ours)}<td>${signed(psnr)}</td></tr>`;

const cellsOf = (entry: Entry): Markup[] => figuresOf(entry, '–').map((text) => html`<td>${text}</td>`);
