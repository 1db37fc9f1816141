/** Traces on the command line: written by `generate --trace`, summarised and drawn by `inspect --trace`. */
import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  decisionMap,
  messageOf,
  parseTraceDocument,
  pngOfSvg,
  QuantCacheError,
  summarizeDocument,
  summaryLines,
  type TraceDocument,
} from '../index.ts';

/** Writes a file, or throws `io` that names it. */
async function write(file: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(file, contents).catch((error: unknown) => {
    throw new QuantCacheError('io', `Could not write ${file}: ${messageOf(error)}`, { cause: error });
  });
}

/** Files a trace as JSON. */
export const writeTrace = (file: string, document: TraceDocument): Promise<void> =>
  write(file, `${JSON.stringify(document)}\n`);

/** Prints what a filed trace amounts to, and draws its map if asked to. */
export async function inspectTrace(file: string, flags: { out?: string; json?: boolean }): Promise<void> {
  if (flags.out) drawingFor(flags.out);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new QuantCacheError('io', `Could not read ${file}: ${messageOf(error)}`, { cause: error });
  });
  const document = parseTraceDocument(text, file);
  if (flags.out) await write(flags.out, await drawingFor(flags.out)(decisionMap(document)));
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
