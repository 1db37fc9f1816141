/**
 * What calibration measures, as a file: one entry per prompt, so that an interrupted calibration is continued and several
 * targets are searched from one measurement. Bound to the model's weights and to the settings it was made with.
 */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { messageOf, QuantCacheError } from '../errors.ts';
import { jsonOf } from '../json.ts';
import { saveText } from '../weights/files.ts';

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
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new QuantCacheError('io', `Cannot read ${file}: ${messageOf(error)}.`, { cause: error });
  });
  if (text === undefined) return noMeasurements(settings);
  const result = schema.safeParse(jsonOf(text));
  if (!result.success) {
    const [issue] = result.error.issues;
    const message = `${file} holds no measurements of this version: ${issue!.path.join('.')} ${issue!.message}. Remove it, or name another --measurements.`;
    throw new QuantCacheError('corrupt_file', message);
  }
  assertSame(result.data.settings, settings, file);
  return result.data;
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
  await saveText(file, `${JSON.stringify(measurements)}\n`);
}
