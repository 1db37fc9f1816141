/**
 * The decision map as SVG: steps across, blocks and their modules down, coloured by what was done. Like the overview figure
 * of QuantCache (arXiv 2503.06545, figure 2), but of a run that took place.
 *
 * Blues and greens were computed, darker in higher precision; oranges reused an earlier residual, paler the higher the
 * level that answered; grey was skipped. Text is plain SVG in the viewer's sans-serif font.
 */
import type { Precision } from '../model.ts';
import type { Decision } from '../trace.ts';
import { summarizeDocument, type TraceDocument } from './document.ts';

const computedColours: Record<Precision, string> = {
  fp32: '#1b3a6b',
  w8a8: '#1f9e89',
  w4a8: '#6cc04a',
  w4a6: '#c3d941',
};

const reusedColours: Record<Decision['level'], string> = {
  step: '#fbe6c5',
  segment: '#f8d49a',
  block: '#f2b04f',
  module: '#dd7f22',
};

const skippedColour = '#b4b4b4';
const unknownColour = '#ffffff';
const textColour = '#222222';

/** Sizes in SVG units, which viewers take as pixels. */
const layout = {
  margin: 16,
  title: 44,
  labels: 150,
  cell: 20,
  /** Cells of long runs are narrower, so that they fit into so much. */
  widest: 4000,
  leastCell: 2,
  row: 8,
  blockGap: 3,
  axis: 22,
  legendRow: 20,
  legendItem: 200,
};

/** What a cell shows. */
interface Cell {
  readonly colour: string;
  readonly meaning: string;
}

interface Row {
  readonly label: string;
  readonly y: number;
  readonly height: number;
  /** From the row's own node up to the root: the first that a step decided about is shown. */
  readonly paths: readonly string[];
}

/** Draws a trace. */
export function decisionMap(document: TraceDocument): string {
  const columns = columnsOf(document);
  const { rows, bottom } = rowsOf(document);
  const cell = Math.max(layout.leastCell, Math.min(layout.cell, Math.floor(layout.widest / columns.length)));
  const x = (column: number) => layout.margin + layout.labels + column * cell;
  const meanings = new Map<string, string>();
  const cells: string[] = [];
  for (const row of rows) {
    for (const [column, decisions] of columns.entries()) {
      const { colour, meaning } = cellOf(decisions, row.paths);
      meanings.set(meaning, colour);
      cells.push(
        rectangle({ x: x(column), y: row.y, width: cell - cell / layout.cell, height: row.height, fill: colour }),
      );
    }
  }
  const every = 5 * Math.ceil(layout.cell / cell);
  const axisY = bottom + layout.axis - 6;
  const axis = columns.flatMap((_, column) =>
    column % every === 0 ? [text(x(column) + cell / 2, axisY, String(column), { anchor: 'middle' })] : [],
  );
  const width = Math.max(x(columns.length) + layout.margin, 720);
  const legend = legendOf([...meanings], bottom + layout.axis + 8, width);
  const labels = rows
    .filter(({ label }) => label !== '')
    .map(({ label, y, height }) => text(layout.margin, y + height / 2 + 4, label));
  const body = [...titleOf(document), ...labels, ...cells, ...axis, ...legend.elements].join('\n');
  const size = `width="${width}" height="${legend.bottom}" viewBox="0 0 ${width} ${legend.bottom}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11" fill="${textColour}">
<rect width="100%" height="100%" fill="#ffffff"/>
${body}
</svg>
`;
}

/** What was decided in each step, by path. Several loops follow each other. */
function columnsOf({ decisions }: TraceDocument): Map<string, Decision>[] {
  const columns: Map<string, Decision>[] = [];
  let current = new Map<string, Decision>();
  for (const decision of decisions) {
    current.set(decision.path, decision);
    if (decision.level !== 'step') continue;
    columns.push(current);
    current = new Map();
  }
  return columns;
}

function rowsOf({ blocks, decisions }: TraceDocument): { rows: Row[]; bottom: number } {
  const outer = (level: Decision['level']) => [
    ...new Set(decisions.filter((decision) => decision.level === level).map(({ path }) => path)),
  ];
  const above = [...outer('segment'), ...outer('step')];
  const top = layout.margin + layout.title;
  const rows: Row[] = [{ label: 'whole step', y: top, height: 12, paths: outer('step') }];
  let y = top + 12 + 2 * layout.blockGap;
  for (const { path, modules } of blocks) {
    for (const [i, module] of modules.entries()) {
      rows.push({ label: i === 1 ? path : '', y, height: layout.row - 1, paths: [module.path, path, ...above] });
      y += layout.row;
    }
    y += layout.blockGap;
  }
  return { rows, bottom: y };
}

/** The innermost decision about a node: what it did itself, or what was done to what it is part of. */
function cellOf(decisions: ReadonlyMap<string, Decision>, paths: readonly string[]): Cell {
  const known = paths.flatMap((path) => decisions.get(path) ?? []);
  const decision = known.find(({ did }, i) => i === 0 || did !== 'compute');
  if (!decision) return { colour: unknownColour, meaning: 'not decided' };
  const { did, precision, level } = decision;
  if (did === 'compute') return { colour: computedColours[precision], meaning: `computed in ${precision}` };
  if (did === 'skip') return { colour: skippedColour, meaning: `${level} skipped` };
  return { colour: reusedColours[level], meaning: `${level} reused` };
}

function titleOf(document: TraceDocument): string[] {
  const { levels, flops, steps } = summarizeDocument(document);
  const computed = levels.find(({ level }) => level === 'step')!.compute;
  const share =
    flops && flops.full > 0 ? `, ${((100 * flops.computed) / flops.full).toFixed(1)} % of the operations` : '';
  return [
    text(layout.margin, layout.margin + 12, `${document.policy} on ${document.model}`, { size: 14, weight: 'bold' }),
    text(
      layout.margin,
      layout.margin + 30,
      `${computed} of ${steps} steps computed${share}; steps across, modules down`,
    ),
  ];
}

function legendOf(meanings: readonly (readonly [string, string])[], top: number, width: number) {
  const perRow = Math.max(1, Math.floor((width - 2 * layout.margin) / layout.legendItem));
  const elements = [...meanings]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([meaning, fill], i) => {
      const x = layout.margin + (i % perRow) * layout.legendItem;
      const y = top + Math.floor(i / perRow) * layout.legendRow;
      return [rectangle({ x, y, width: 14, height: 12, fill }), text(x + 20, y + 10, meaning)];
    });
  return { elements, bottom: top + Math.ceil(meanings.length / perRow) * layout.legendRow + layout.margin };
}

const rectangle = (attributes: Record<'x' | 'y' | 'width' | 'height' | 'fill', number | string>): string =>
  `<rect ${Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')}/>`;

function text(x: number, y: number, content: string, style: { anchor?: string; size?: number; weight?: string } = {}) {
  const { anchor, size, weight } = style;
  const attributes = [
    anchor && ` text-anchor="${anchor}"`,
    size && ` font-size="${size}"`,
    weight && ` font-weight="${weight}"`,
  ];
  return `<text x="${x}" y="${y}"${attributes.filter(Boolean).join('')}>${escaped(content)}</text>`;
}

const escaped = (content: string): string =>
  content
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write these
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
