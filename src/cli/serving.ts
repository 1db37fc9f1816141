/** What servers and workers have in common: where they keep things, and how they make clips. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { EngineOptions } from '../serve/engine/messages.ts';
import type { Keep } from '../serve/retention.ts';
import { type ModelFlags, positiveNumber, wholeNumber } from './options.ts';

export interface WorkFlags {
  data?: string;
  engines: number;
  maxPixels?: number;
  keepDays?: number;
  keepGigabytes?: number;
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
    .option('--keep-days <count>', 'days for which files are kept; default: for ever', positiveNumber)
    .option(
      '--keep-gigabytes <count>',
      'the most that files may take, the oldest go first; default: all',
      positiveNumber,
    );

/** The engine that flags ask for: several share the processor. */
export function engineOf({ engines, maxPixels, ...flags }: WorkFlags & ModelFlags): EngineOptions {
  const { model, vae, textEncoder, device, threads } = flags;
  const shared = engines > 1 ? Math.max(1, Math.floor(availableParallelism() / engines)) : undefined;
  return { model, vae, textEncoder, device, threads: threads ?? shared, maxPixels };
}

const [day, gigabyte] = [86_400_000, 1e9];

export const keepOf = ({ keepDays, keepGigabytes }: WorkFlags): Keep => ({
  milliseconds: keepDays && keepDays * day,
  bytes: keepGigabytes && keepGigabytes * gigabyte,
});
