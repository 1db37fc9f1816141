/** Draws a grid on a canvas, in colours of the page. */
import type { Fill, Grid } from './grid.ts';

/** Where the cells lie, in CSS pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cell: number;
  /** Top and height of each row. */
  readonly rows: readonly { readonly top: number; readonly height: number }[];
}

const first = 18;
const other = 6;
const gap = 1;
const blockGap = 5;

/** Lays a grid out in a width. */
export function layoutOf({ rows, numSteps }: Grid, width: number): Layout {
  const places: Layout['rows'][number][] = [];
  let top = 0;
  for (const [i, { block }] of rows.entries()) {
    if (i > 0) top += block === rows[i - 1]!.block ? gap : blockGap;
    const height = i === 0 ? first : other;
    places.push({ top, height });
    top += height;
  }
  return { width, height: top, cell: width / numSteps, rows: places };
}

/** The cell at a point. */
export function cellAt({ rows, cell, width }: Layout, x: number, y: number): { row: number; step: number } | undefined {
  if (x < 0 || x >= width || y < 0) return undefined;
  const row = rows.findIndex(({ top, height }) => y < top + height + gap);
  return row < 0 ? undefined : { row, step: Math.floor(x / cell) };
}

/** The colours that the style sheet gives to fills. */
export function coloursOf(element: Element): (fill: Fill) => string {
  const style = getComputedStyle(element);
  return (fill) => style.getPropertyValue(`--map-${fill}`).trim() || 'transparent';
}

/** Draws all cells. */
export function paint(
  context: CanvasRenderingContext2D,
  { cells }: Grid,
  layout: Layout,
  colour: (fill: Fill) => string,
): void {
  const { width, height, cell, rows } = layout;
  context.clearRect(0, 0, width, height);
  const between = cell > 6 ? 1.5 : cell > 3 ? 0.75 : 0;
  for (const [i, row] of cells.entries()) {
    const { top, height: tall } = rows[i]!;
    for (const [step, { fill }] of row.entries()) {
      context.fillStyle = colour(fill);
      context.beginPath();
      context.roundRect(step * cell, top, cell - between, tall, Math.min(2, cell / 4, tall / 4));
      context.fill();
    }
  }
}
