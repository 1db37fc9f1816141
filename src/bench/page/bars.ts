/** Like figure 1 of the paper: a bar of speed per method with its quality, at the quality that the reader asks for. */

import type { Entry } from '../entries.ts';
import { decibels, times } from '../texts.ts';
import { breakable, html, type Markup } from './html.ts';

/** The least median PSNR of a bar's setting, in decibels, until the reader moves it. */
const floor = 25;

/** Every setting has its bar; the script shows the fastest of each method that reaches the floor. */
export function barsOf(entries: readonly Entry[]): Markup {
  const longest = Math.max(1, ...entries.map(({ speed }) => speed || 0));
  return html`<label class="floor">Fastest setting of each method with a PSNR of at least <output id="floor-value">${floor}</output> dB
<input id="floor" type="range" min="10" max="50" step="1" value="${floor}"></label>
<ol id="bars">${entries.map((entry) => barOf(entry, longest))}</ol>`;
}

function barOf({ row, method, kind, speed, simulated, summary }: Entry, longest: number): Markup {
  const { fidelity, agreement } = summary;
  const quality = [
    fidelity ? `${decibels(fidelity.psnr.median)}${fidelity.psnr.median < 120 ? ' dB' : ''}` : 'reference',
    ...(agreement ? [`${Math.round(agreement.all * 100)}% agree`] : []),
  ].join(', ');
  const share = Math.max(0, (speed || 0) / longest);
  return html`<li data-method="${method}" data-row="${row.label}" data-speed="${speed}" data-psnr="${fidelity?.psnr.median ?? 120}" class="${kind.replace(' ', '-')}${simulated ? ' simulated' : ''}">
<span class="who"><b>${method}</b> <code>${breakable(row.label)}</code></span><span class="bar"><i style="--share:${share.toFixed(4)}"></i><span>${simulated ? 'simulated, does not count' : times(speed)} <small>${quality}</small></span></span></li>`;
}
