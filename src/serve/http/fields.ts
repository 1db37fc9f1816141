/**
 * The fields of a request, as one schema for JSON and for forms, whose values are all texts. It reads them; whether a model
 * can do what they say is for `order.ts`.
 */
import * as z from 'zod';
import { precisions } from '../../model.ts';
import { issuesOf } from '../../refusals.ts';
import { outputFormats } from '../api.ts';
import { Refusal } from './refusal.ts';

export const maxPromptCharacters = 4096;

/** A number, or a text that is one. */
const number = (schema = z.number()) => z.preprocess(numberFrom, schema);
const whole = (least: number, most = 2 ** 31) => number(z.int().min(least).max(most));

function numberFrom(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
}

/** Not what any text that is not empty would be: "false" is false. */
const flag = z.union([z.boolean(), z.stringbool()]);

/** Texts of a form may be JSON; what is none stays a text. */
const json = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

const options = z.preprocess(
  (value) => {
    const parsed = json(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? Object.fromEntries(Object.entries(parsed).map(([name, option]) => [name, json(option)]))
      : parsed;
  },
  z.record(z.string(), z.unknown()),
);

const ours = z.strictObject({
  profile: z.string().optional().describe('quality, balanced or fast, where the model has them; default: balanced'),
  quality: number(z.number().positive().max(200))
    .optional()
    .describe("decibels against full computation to aim at, by the run's own estimate, instead of the profile's"),
  speedup: number(z.number().positive().max(1000))
    .optional()
    .describe('times as fast as full computation to aim at, by what calibration measured, in place of a quality'),
  policy: z.string().optional().describe('what to compute, reuse and skip, instead of a profile'),
  policy_options: options.optional(),
  precision: z.enum(precisions).optional(),
  sampler: z.string().optional(),
  loops: whole(1, 100).optional().describe('clips that continue each other'),
  priority: whole(-10, 10).optional().describe('higher runs earlier'),
  output_format: z.enum(outputFormats).optional(),
  trace: flag.optional().describe('keep every decision'),
  preview: z
    .union([flag, z.literal('always')])
    .optional()
    .describe(
      'show the run as it goes, where it takes more than three seconds; always: at every step that is computed',
    ),
});

const reference = z.strictObject({
  image_url: z.string().optional().describe('a data URL; a server fetches nothing'),
  file_id: z.string().optional(),
});

/** Everything that a request may say. Other fields are ignored, and named in the answer's warnings. */
export const createFields = z.looseObject({
  prompt: z.string().min(1).max(maxPromptCharacters),
  model: z.string().optional(),
  size: z.string().optional().describe('WIDTHxHEIGHT'),
  seconds: number(z.number().positive()).optional(),
  width: whole(1).optional(),
  height: whole(1).optional(),
  fps: number(z.number().positive()).optional(),
  num_frames: whole(1).optional(),
  num_inference_steps: whole(1).optional(),
  guidance_scale: number().optional(),
  seed: z.union([z.int(), z.string().regex(/^-?\d{1,20}$/)]).optional(),
  negative_prompt: z.string().max(maxPromptCharacters).optional(),
  input_reference: reference.optional(),
  image_reference: reference.optional(),
  quantcache: z.preprocess(json, ours).optional(),
});

export type CreateFields = z.output<typeof createFields>;

export const remixFields = z.looseObject({ prompt: createFields.shape.prompt });

/** Reads fields. Throws a refusal that names the first wrong one. */
export function readFields<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String) ?? [];
  const param = path.length > 1 ? `${path[0]}[${path.slice(1).join('][')}]` : path[0];
  const code = issue?.code === 'unrecognized_keys' ? 'unknown_parameter' : 'invalid_value';
  throw new Refusal(400, code, `The request is not valid: ${issuesOf(result.error, 'request')}.`, { param });
}

const known = new Set(Object.keys(createFields.shape));

/** What to say of fields that nobody reads. */
export const ignoredFields = (fields: CreateFields): string[] =>
  Object.keys(fields)
    .filter((name) => !known.has(name))
    .map((name) => `The field ${JSON.stringify(name.slice(0, 40))} is not known here and was ignored.`);
