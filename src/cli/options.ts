/** Options that several commands share, and the reading of their values. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseStrictJson } from '../files/strictjson.ts';

/** A parser of numbers for commander; `what` says what is allowed. */
export function number(what: string, allowed: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !allowed(value)) throw new InvalidArgumentError(`Give ${what}.`);
    return value;
  };
}

/** Whole numbers; `most` keeps a slip of the finger from asking for what no machine does. */
export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} up` : `a whole number from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && value >= least && value <= most,
  );
export const finiteNumber = number('a number', Number.isFinite);
export const nonNegativeNumber = number('a number from 0 up', (value) => value >= 0 && Number.isFinite(value));
export const positiveNumber = number('a number above 0', (value) => value > 0 && Number.isFinite(value));

const units: Readonly<Record<string, number>> = { mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 };

/** Reads an amount of memory such as `6GB` or `512MB`, in bytes. */
export function bytes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([mgt])i?b$/i.exec(text.trim()) ?? [];
  const value = Number(amount) * (units[`${unit?.toLowerCase()}b`] ?? Number.NaN);
  if (!(value > 0)) throw new InvalidArgumentError('Give an amount such as 6GB or 512MB.');
  return value;
}

/** Adds the option that bounds memory. */
export function withMemoryLimit(command: Command): Command {
  return command.option(
    '--memory <amount>',
    'memory that the run may use, such as 6GB: it is refused where it needs more, and keeps less of earlier steps; default: what the machine, its container or ulimit leave',
    bytes,
  );
}

/** The limit that `--memory` gives; undefined where it is not given. */
export const limitOf = (memory: number | undefined) =>
  memory === undefined ? undefined : { bytes: memory, who: '--memory allows' };

/** Collects `--policy-option key=value` into an object; numbers, booleans and JSON are read as such. */
export function keyValue(text: string, earlier: Record<string, unknown> = {}): Record<string, unknown> {
  const match = /^([A-Za-z][\w-]*)=(.*)$/s.exec(text);
  if (!match) throw new InvalidArgumentError('Write it as name=value.');
  return { ...earlier, [match[1]!]: parsedValue(match[2]!) };
}

function parsedValue(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch {
    return text;
  }
}

/** More than any machine has cores. */
export const mostThreads = 4096;

/** What every command that runs a model understands. */
export interface ModelFlags {
  model?: string;
  vae?: string;
  textEncoder?: string;
  device: 'cpu' | 'webgpu' | 'cuda';
  threads?: number;
}

/** Which model it is; where it runs is the runtime's. */
export const modelOf = ({ model, vae, textEncoder }: ModelFlags) => ({ model, vae, textEncoder });

/** Adds the options that say which model runs where. */
export function withModel(command: Command): Command {
  return command
    .option('-m, --model <name>', 'folder or hub id (owner/name) of the model; default: the demo model in this package')
    .option('--vae <name>', 'folder or hub id of the VAE, for models that come without one')
    .option('--text-encoder <name>', 'folder or hub id of the T5 encoder, for models that come without one')
    .addOption(new Option('-d, --device <device>', 'where to run').choices(['cpu', 'webgpu', 'cuda']).default('cpu'))
    .option('--threads <count>', 'CPU threads; all cores by default', wholeNumber(1, mostThreads));
}

/** Adds the options that say how large and how long a video is. */
export function withSize(command: Command): Command {
  return command
    .option('--size <HxW>', 'height x width in pixels, such as 240x426')
    .option('--resolution <name>', 'named resolution: 144p, 240p, 360p, 480p, 720p...')
    .option('--aspect <W:H>', 'aspect ratio, width:height, such as 16:9')
    .option('--frames <count>', 'number of frames; 1 makes an image', wholeNumber(1))
    .option('--duration <time>', 'named length: 2s, 4s, 8s, 16s or 32s')
    .option('--fps <rate>', 'frames per second', positiveNumber);
}
