/**
 * What calibration measures, as a file: one entry per prompt, so that an interrupted calibration is continued and several
 * targets are searched from one measurement. Bound to the model's weights and to the settings it was made with.
 */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { findJson, saveJson } from '../files/json.ts';

const promptSchema = z.strictObject({
  prompt: z.string(),
  seed: z.number(),
  numSteps: z.int().positive(),
  /** Inner products of `record.ts`. */
  gram: z.array(z.array(z.number())),
  /** The latents after every step: float32, base64. */
  latents: z.array(z.string()),
  /** How input, output and residual changed, from the second step on. */
  changes: z.array(z.strictObject({ input: z.number().optional(), output: z.number(), magnitude: z.number() })),
});

const settingsSchema = z.strictObject({
  model: z.strictObject({ name: z.string(), hash: z.string() }),
  guidanceScale: z.number(),
  geometry: z.unknown(),
});

const schema = z.strictObject({
  format: z.literal('quantcache-measurements'),
  version: z.literal(2),
  settings: settingsSchema,
  prompts: z.array(promptSchema),
});

/** What was measured with one prompt at one number of steps. */
export type PromptMeasurement = z.output<typeof promptSchema>;
/** What all prompts of a file have in common. */
export type MeasurementSettings = z.output<typeof settingsSchema>;
export type Measurements = z.output<typeof schema>;

/** Measurements with these settings and nothing measured yet. */
export const noMeasurements = (settings: MeasurementSettings): Measurements => ({
  format: 'quantcache-measurements',
  version: 2,
  settings,
  prompts: [],
});

/** Reads a file; empty measurements where there is none. Throws `invalid_option` for one with other settings. */
export async function loadMeasurements(file: string, settings: MeasurementSettings): Promise<Measurements> {
  const found = await findJson(file, schema, {
    what: 'a file of measurements of this version',
    todo: 'Remove it, or name another --measurements.',
  });
  if (!found) return noMeasurements(settings);
  assertSame(found.settings, settings, file);
  return found;
}

function assertSame(there: MeasurementSettings, here: MeasurementSettings, file: string): void {
  const plain = JSON.parse(JSON.stringify(here)) as MeasurementSettings;
  const names = Object.keys(plain) as (keyof MeasurementSettings)[];
  const different = names.filter((name) => !isDeepStrictEqual(there[name], plain[name]));
  if (different.length === 0) return;
  const differences = different.map(
    (name) => `${name} ${JSON.stringify(there[name])} there, ${JSON.stringify(plain[name])} here`,
  );
  const message = `${file} was measured with other settings (${differences.join('; ')}). Remove it, or name another --measurements.`;
  throw new QuantCacheError('invalid_option', message);
}

/** Writes measurements, whole or not at all. */
export async function saveMeasurements(file: string, measurements: Measurements): Promise<void> {
  await saveJson(file, measurements);
}
