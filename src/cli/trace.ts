/** Traces on the command line: written by `generate --trace`, summarised and drawn by `inspect --trace`. */
import { extname } from 'node:path';
import {
  decisionMap,
  parseTraceDocument,
  pngOfSvg,
  summarizeDocument,
  summaryLines,
  type TraceDocument,
  tracePurpose,
} from '../api/trace.ts';
import { assertOutputs } from '../files/outputs.ts';
import { readText } from '../files/read.ts';
import { writeWhole } from '../files/write.ts';
import { QuantCacheError } from '../index.ts';

/** Files a trace as JSON. */
export const writeTrace = (file: string, document: TraceDocument): Promise<void> =>
  writeWhole(file, (handle) => handle.writeFile(`${JSON.stringify(document)}\n`));

/** Prints what a filed trace amounts to, and draws its map if asked to. */
export async function inspectTrace(file: string, flags: { out?: string; json?: boolean }): Promise<void> {
  if (flags.out) {
    drawingFor(flags.out);
    await assertOutputs([{ path: flags.out, option: '--out' }], [{ path: file, option: '--trace' }]);
  }
  const document = parseTraceDocument(await readText(file, tracePurpose), file);
  if (flags.out) {
    const drawing = await drawingFor(flags.out)(decisionMap(document));
    await writeWhole(flags.out, (handle) => handle.writeFile(drawing));
  }
  const summary = summarizeDocument(document);
  const { model, policy, warnings } = document;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ model, policy, ...summary, warnings })}\n`);
    return;
  }
  const lines = [
    `${policy} on ${model}`,
    ...summaryLines(summary),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** How a map becomes the contents of a file, by its extension. */
function drawingFor(file: string): (svg: string) => string | Promise<Uint8Array> {
  const extension = extname(file);
  if (extension === '.svg') return (svg) => svg;
  if (extension === '.png') return (svg) => pngOfSvg(svg);
  throw new QuantCacheError('unsupported_format', `A map cannot be written as ${file}; choose a name in .svg or .png.`);
}
