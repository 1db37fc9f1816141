/** Clips side by side, played in step, and the decision maps of what made them. */
import { gzipSync } from 'node:zlib';
import type { Comparison } from '../comparison.ts';
import type { Entry } from '../entries.ts';
import type { KeptClip } from '../kept.ts';
import { decibels } from '../texts.ts';
import { breakable, html, type Markup, trusted } from './html.ts';

/** Clips per prompt and seed, the reference first; nothing where none were kept. */
export function clipsOf(
  { cells, clips, rows }: Comparison,
  entries: readonly Entry[],
  kept: readonly KeptClip[],
): Markup {
  const reference = rows[0]!.label;
  const scenes = cells.flatMap(({ prompt, seed }) => {
    const all = kept.filter((clip) => clip.prompt === prompt && clip.seed === seed);
    const place = (label: string) => (label === reference ? -1 : entries.findIndex(({ row }) => row.label === label));
    const own = all
      .filter(({ row }) => rows.some(({ label }) => label === row))
      .sort((a, b) => place(a.row) - place(b.row));
    return own.length > 0 ? [{ prompt, seed, own }] : [];
  });
  if (scenes.length === 0) return html``;
  const psnr = (clip: KeptClip): string => {
    const made = clips.find(
      ({ row, prompt, seed }) => row === clip.row && prompt === clip.prompt && seed === clip.seed,
    );
    const right = made?.agreement ? (made.agreement.all ? ', right' : ', wrong') : '';
    return `${made?.fidelity ? `${decibels(made.fidelity.psnr)}${made.fidelity.psnr < 120 ? ' dB' : ''}` : 'reference'}${right}`;
  };
  return html`<section id="clips"><h2>Clips</h2>
<p class="controls"><button type="button" id="play">pause</button><input id="frame" type="range" min="0" max="1000" value="0" aria-label="position">
<label><input type="checkbox" id="difference"> difference to full, 4 times</label><label><input type="checkbox" id="every"> every setting</label></p>
${scenes.map(({ prompt, seed, own }) => {
  return html`<h3>“${prompt}”, seed ${seed}</h3><div class="clips">${own.map(
    (clip) =>
      html`<figure data-row="${clip.row}" data-frames="${clip.frames}" data-fps="${clip.fps}" data-source="${dataOf(clip)}"${trusted(clip.row === reference ? ' data-reference' : '')}><canvas width="${clip.width}" height="${clip.height}"></canvas><figcaption><code>${breakable(clip.row)}</code><small>${psnr(clip)}</small></figcaption></figure>`,
  )}</div>`;
})}</section>`;
}

/** A map per row of the first prompt that was kept; drawn when opened, as they are large. */
export function mapsOf({ cells }: Comparison, entries: readonly Entry[], kept: readonly KeptClip[]): Markup {
  const cell = cells.find(({ prompt, seed }) =>
    kept.some((clip) => clip.map && clip.prompt === prompt && clip.seed === seed),
  );
  if (!cell) return html``;
  const maps = entries.flatMap(({ row }) => {
    const clip = kept.find((one) => one.row === row.label && one.prompt === cell.prompt && one.seed === cell.seed);
    return clip?.map ? [{ label: row.label, map: gzipSync(clip.map, { level: 9 }).toString('base64') }] : [];
  });
  return html`<section id="maps"><h2>Decisions</h2><p>What was computed, reused and skipped for “${cell.prompt}”: steps across, modules down.</p>${maps.map(
    ({ label, map }) =>
      html`<details data-map="${map}"><summary><code>${breakable(label)}</code></summary><div class="map scroll"></div></details>`,
  )}</section>`;
}

const dataOf = ({ video }: KeptClip): string => `data:video/mp4;base64,${Buffer.from(video).toString('base64')}`;
