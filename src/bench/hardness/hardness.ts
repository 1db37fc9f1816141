/**
 * A measurement of hardness as a file: settings, machines, one short record per clip, and what they come to. Written whole
 * or not at all, a record to a line; an interrupted measurement is continued from it.
 */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { findJson } from '../../files/json.ts';
import { saveText } from '../../files/write.ts';
import { QuantCacheError } from '../../index.ts';
import type { Machine } from '../machine.ts';
import type { HardnessRecords, HardnessSettings } from './records.ts';
import type { HardnessSummary } from './summary.ts';

/** A measurement, finished or not. */
export interface Hardness extends HardnessRecords {
  readonly format: 'quantcache-hardness';
  readonly version: 1;
  readonly machines: readonly Machine[];
  readonly summary: HardnessSummary;
}

const cell = z.object({ prompt: z.string(), seed: z.number() });
const numbers = z.array(z.number());
const verdicts = z.record(z.string(), z.object({ objects: z.number(), wrong: z.array(z.string()) })).optional();
const path = z.object({ evaluations: z.number(), leaps: z.string(), psnr: z.number() });

const schema = z.object({
  format: z.literal('quantcache-hardness'),
  version: z.literal(1),
  settings: z.object({ model: z.string(), weights: z.string(), numSteps: z.number() }).loose(),
  machines: z.array(z.object({}).loose()),
  summary: z.object({}).loose(),
  fidelity: z.array(
    cell.extend({
      psnr: z.record(z.string(), z.number()),
      trajectory: z.object({ divergence: numbers, bend: numbers, detour: z.number() }),
      otherSeed: z.number().optional(),
      otherPrompt: z.number().optional(),
      verdicts,
    }),
  ),
  agreement: z.array(cell.extend({ verdicts, places: z.array(z.object({ x: z.number(), y: z.number() })) })),
  oracle: z.array(
    cell.extend({ paths: z.array(path), rank: z.number().optional(), loss: z.number(), searched: z.number() }),
  ),
  fixed: z
    .object({
      cells: z.array(cell),
      paths: z.array(path.extend({ psnr: numbers })),
      searched: z.number(),
      unfinished: z
        .object({
          evaluations: z.number(),
          paths: z.array(z.object({ leaps: numbers, at: z.number(), error: z.number(), latents: z.array(z.string()) })),
          least: z.array(numbers),
        })
        .optional(),
    })
    .optional(),
});

/** Reads a measurement; undefined where there is no such file. Throws `corrupt_file` for anything else than one. */
export const loadHardness = (file: string): Promise<Hardness | undefined> =>
  findJson(file, schema, {
    what: 'a measurement of hardness of this version',
    todo: 'Give another --out, or remove it.',
  }) as Promise<Hardness | undefined>;

/** Writes a measurement; an earlier file is replaced when the new one is whole. */
export const saveHardness = (file: string, hardness: Hardness): Promise<void> =>
  saveText(file, `${hardnessText(hardness)}\n`);

/** As JSON, a record to a line. */
export function hardnessText(hardness: Hardness): string {
  const lines = (records: readonly unknown[]) => `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]`;
  const fields = Object.entries(hardness).filter(([, value]) => value !== undefined);
  const text = (value: unknown) => (Array.isArray(value) && value.length > 0 ? lines(value) : JSON.stringify(value));
  return `{\n${fields.map(([name, value]) => `${JSON.stringify(name)}: ${text(value)}`).join(',\n')}\n}`;
}

/** Throws `invalid_option` unless an earlier measurement was made with these settings. */
export function assertSameHardness(earlier: Hardness, settings: HardnessSettings): void {
  const there = earlier.settings;
  const different = (Object.keys(settings) as (keyof HardnessSettings)[]).filter(
    (name) => !isDeepStrictEqual(there[name], JSON.parse(JSON.stringify(settings[name]))),
  );
  if (different.length === 0) return;
  const differences = different.map(
    (name) => `${name} ${JSON.stringify(there[name])} there, ${JSON.stringify(settings[name])} here`,
  );
  throw new QuantCacheError(
    'invalid_option',
    `The earlier results were measured with other settings (${differences.join('; ')}). Give another --out, or remove them.`,
  );
}
