/**
 * What calibration measures, as a file: one entry per prompt, so that an interrupted calibration is continued and several
 * targets are searched from one measurement. Bound to the model's weights and to the settings it was made with.
 */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { findJson, saveJson } from '../files/json.ts';
import { packedNumbers } from '../files/numbers.ts';

const promptSchema = z
  .strictObject({
    prompt: z.string(),
    seed: z.number(),
    numSteps: z.int().positive(),
    /** Inner products of `record.ts`: a row for the latents before each step, the last ones, and the velocities. */
    gram: z.array(z.array(z.number())).refine(isTriangle, 'must be rows of 1, 2, 3, ... numbers'),
    /** The latents after every step. */
    latents: z.array(packedNumbers),
    /** How input, output and residual changed, from the second step on. */
    changes: z.array(z.strictObject({ input: z.number().optional(), output: z.number(), magnitude: z.number() })),
  })
  .superRefine(({ numSteps, gram, latents, changes }, context) => {
    const velocities = gram.length - 1 - numSteps;
    const isWhole =
      velocities > 0 && velocities % numSteps === 0 && latents.length === numSteps && changes.length === numSteps - 1;
    if (!isWhole) context.addIssue(`does not hold what ${numSteps} steps measure`);
  });

function isTriangle(rows: readonly (readonly number[])[]): boolean {
  return rows.every((row, i) => row.length === i + 1);
}

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
/** The clip that a measurement is of. */
export type MeasuredClip = Pick<PromptMeasurement, 'prompt' | 'seed' | 'numSteps'>;

/** Whether two measurements are of one clip. */
export const isSameClip = (a: MeasuredClip, b: MeasuredClip): boolean =>
  a.prompt === b.prompt && a.seed === b.seed && a.numSteps === b.numSteps;
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
