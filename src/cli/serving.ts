/** What servers and workers have in common: where they keep things, and how they make clips. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { EngineOptions } from '../serve/engine/messages.ts';
import type { Keep } from '../serve/retention.ts';
import { bytes, type ModelFlags, nonNegativeNumber, positiveNumber, wholeNumber } from './options.ts';

export interface WorkFlags {
  data?: string;
  engines: number;
  maxPixels?: number;
  keepAfter: number;
  keepDays?: number;
  keepSize?: number;
}

/** Adds the options; at least so many engines. */
export const withWork = (command: Command, leastEngines: number): Command =>
  command
    .option('--data <folder>', 'where jobs and clips are kept; default: serve in the folder QUANTCACHE_HOME')
    .option(
      '--engines <count>',
      `clips that are made at the same time; the threads are shared${leastEngines === 0 ? '; 0 leaves clips to workers' : ''}`,
      wholeNumber(leastEngines, 64),
      1,
    )
    .option('--max-pixels <count>', 'most width x height x frames of a clip; default: 16 default clips', positiveNumber)
    .option(
      '--keep-after <seconds>',
      'runs longer than this keep their state, for another attempt to go on from',
      nonNegativeNumber,
      60,
    )
    .option('--keep-days <count>', 'days for which files are kept; default: for ever', positiveNumber)
    .option('--keep-size <amount>', 'the most that files may take, such as 50GB; the oldest go first', bytes);

/** The engine that flags ask for: several share the processor. */
export function engineOf({ engines, maxPixels, keepAfter, ...flags }: WorkFlags & ModelFlags): EngineOptions {
  const { model, vae, textEncoder, device, threads } = flags;
  const shared = engines > 1 ? Math.max(1, Math.floor(availableParallelism() / engines)) : undefined;
  return { model, vae, textEncoder, device, threads: threads ?? shared, maxPixels, keepAfter };
}

const day = 86_400_000;

export const keepOf = ({ keepDays, keepSize }: WorkFlags): Keep => ({
  milliseconds: keepDays && keepDays * day,
  bytes: keepSize,
});
