/** Speed against quality: a point per setting, a line per method, as SVG that scales; values on hovering. */

import type { Entry } from '../entries.ts';
import { times } from '../texts.ts';
import { html, type Markup, trusted } from './html.ts';

export interface ChartOptions {
  readonly title: string;
  readonly value: (entry: Entry) => number | undefined;
  readonly text: (value: number) => string;
  /** Larger values are drawn at this one. */
  readonly most?: number;
}

const frame = { left: 60, right: 20, top: 14, bottom: 64, width: 600, height: 420 };

/** Speeds to mark, the most telling first; one is left out where it would touch another. */
const speedMarks = [1, 2, 5, 10, 20, 50, 100, 3, 1.5, 0.5, 7, 30, 4, 15, 0.75, 6, 8];
const leastGap = 52;

/** Far apart in hue on light and on dark ground; they repeat with another dash. */
const colours = ['#e4572e', '#2f80ed', '#27ae60', '#9b51e0', '#d4a017', '#00a3a3', '#eb5fa0', '#8d6e4f', '#7f8c8d'];

/** Whether no setting of the method is as fast and better: the line goes through these alone. */
const isBest = (points: readonly { readonly y: number }[], place: number): boolean =>
  points.slice(place + 1).every(({ y }) => y < points[place]!.y);

/** One chart with its legend; nothing where no row has such a value. */
export function chartOf(
  entries: readonly Entry[],
  { title, value, text, most = Number.POSITIVE_INFINITY }: ChartOptions,
): Markup {
  const points = entries.flatMap((entry) => {
    const y = value(entry);
    return y === undefined || !(entry.speed > 0) || entry.simulated
      ? []
      : [{ entry, y: Math.min(y, most), shown: text(y) }];
  });
  if (points.length === 0) return html``;
  const ours = new Set(points.flatMap(({ entry }) => (entry.kind === 'quantcache' ? entry.method : [])));
  const names = [...new Set(points.map(({ entry }) => entry.method))].sort();
  // Ours first, as no colour repeats among the first.
  const methods = [...names.filter((name) => ours.has(name)), ...names.filter((name) => !ours.has(name))];
  const speeds = points.map(({ entry }) => entry.speed);
  const x = scale(
    Math.min(1, ...speeds) * 0.95,
    Math.max(1.2, ...speeds) * 1.05,
    [frame.left, frame.width - frame.right],
    Math.log,
  );
  const ys = points.map((point) => point.y);
  const spread = Math.max(...ys) - Math.min(...ys) || Math.abs(ys[0]!) || 1;
  const [low, high] = [Math.min(...ys) - spread * 0.06, Math.max(...ys) + spread * 0.06];
  const y = scale(low, high, [frame.height - frame.bottom, frame.top]);
  const curves = methods.map((method, i) => {
    const own = points.filter(({ entry }) => entry.method === method).sort((a, b) => a.entry.speed - b.entry.speed);
    const places = own.map((point) => `${x(point.entry.speed).toFixed(1)},${y(point.y).toFixed(1)}`);
    const dots = own.map(({ entry, shown }, k) => {
      const [cx, cy] = places[k]!.split(',');
      return html`<circle cx="${cx}" cy="${cy}" r="5"><title>${entry.row.label}: ${times(entry.speed)}, ${shown}</title></circle>`;
    });
    return html`<g class="curve${ours.has(method) ? ' ours' : ''}" data-method="${method}" style="--colour:${colours[i % colours.length]}"><polyline points="${places.filter((_, k) => isBest(own, k)).join(' ')}" ${trusted(i >= colours.length ? 'stroke-dasharray="6 4"' : '')}/>${dots}</g>`;
  });
  const legend = methods.map(
    (method, i) => html`<li data-method="${method}" style="--colour:${colours[i % colours.length]}">${method}</li>`,
  );
  const bottom = frame.height - frame.bottom;
  const inside = speedMarks.filter((tick) => x(tick) >= frame.left && x(tick) <= frame.width - frame.right);
  const xTicks = apart(inside, x);
  const yTicks = ticks(low, Math.min(high, most));
  return html`<figure class="chart"><figcaption>${title}</figcaption><svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${title}">${[
    ...xTicks.map(
      (tick) =>
        html`<line x1="${x(tick)}" x2="${x(tick)}" y1="${frame.top}" y2="${bottom}"/><text x="${x(tick)}" y="${bottom + 24}" text-anchor="middle">${tick}x</text>`,
    ),
    ...yTicks.map(
      (tick) =>
        html`<line x1="${frame.left}" x2="${frame.width - frame.right}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${frame.left - 6}" y="${y(tick) + 4}" text-anchor="end">${text(tick)}</text>`,
    ),
  ]}<text x="${(frame.left + frame.width) / 2}" y="${frame.height - 10}" text-anchor="middle">times faster than full computation</text>${[...curves].reverse()}</svg><ul class="legend">${legend}</ul></figure>`;
}

/** From values to places. */
function scale(
  from: number,
  to: number,
  [start, end]: readonly [number, number],
  by: (value: number) => number = (value) => value,
) {
  return (value: number) =>
    Math.round((start + ((by(value) - by(from)) / (by(to) - by(from))) * (end - start)) * 10) / 10;
}

/** Those marks that have room beside the ones before them. */
function apart(marks: readonly number[], place: (mark: number) => number): number[] {
  const taken: number[] = [];
  for (const mark of marks)
    if (taken.every((other) => Math.abs(place(mark) - place(other)) >= leastGap)) taken.push(mark);
  return taken;
}

/** About five round values. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
}
