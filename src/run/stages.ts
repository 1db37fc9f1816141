/**
 * What lies between the stages of a run, as files: the states of its prompts, and its latents. Any program that reads
 * safetensors can read them; what the run was is in their metadata, as in a clip.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { parseJson } from '../files/json.ts';
import { readBytes as readFileBytes } from '../files/read.ts';
import { assertFinite } from '../finite.ts';
import type { Geometry, TextConditioning, TextContext } from '../model.ts';
import type { Pipeline } from '../pipeline.ts';
import { toFloat32 } from '../weights/dtypes.ts';
import type { Header } from '../weights/format.ts';
import { readBytes, readHeader, type TensorSource, writeSafetensors } from '../weights/safetensors.ts';
import type { DecidedOptions } from './options.ts';
import { type ClipRecord, clipRecordSchema } from './record.ts';

/** The latents of a run and what its clips are. */
export interface SavedLatents {
  /** `[prompts, channels, frames, height, width]` of each loop. */
  readonly latents: readonly Float32Array[];
  readonly geometry: Geometry;
  /** What each clip's file will say of its making. */
  readonly records: readonly ClipRecord[];
}

const latentsPurpose = {
  what: 'a file of latents',
  todo: 'Write one with "quantcache generate --save-latents".',
};
const textPurpose = { what: 'a file of encoded prompts', todo: 'Write one with "quantcache generate --save-text".' };

const size = z.int().positive();
const geometrySchema = z.strictObject({
  height: size,
  width: size,
  numFrames: size,
  fps: z.number().positive(),
  latent: z.strictObject({ channels: size, frames: size, height: size, width: size }),
});

const strings = z.array(z.string()).min(1);
const saidSchema = z.strictObject({
  prompts: strings,
  texts: z.array(strings).min(1),
  negativePrompt: z.string().optional(),
});

/** Writes latents: tensors `latents.0`, one for each loop. */
export async function saveLatents(path: string, { latents, geometry, records }: SavedLatents): Promise<void> {
  const { channels, frames, height, width } = geometry.latent;
  const shape = [records.length, channels, frames, height, width];
  const tensors = latents.map((data, loop): TensorSource => ({ name: `latents.${loop}`, dtype: 'F32', shape, data }));
  await writeSafetensors(path, tensors, {
    format: 'quantcache-latents',
    geometry: JSON.stringify(geometry),
    records: JSON.stringify(records),
  });
}

/** Reads latents. Throws `model_not_found`, `corrupt_file`, `not_finite` and `io`. */
export async function readLatents(path: string): Promise<SavedLatents> {
  const header = await openStage(path, 'quantcache-latents', latentsPurpose);
  const geometry = parseJson(header.metadata.geometry ?? '', path, geometrySchema, latentsPurpose);
  const records = parseJson(
    header.metadata.records ?? '',
    path,
    z.array(clipRecordSchema).min(1),
    latentsPurpose,
  ) as ClipRecord[];
  const { channels, frames, height, width } = geometry.latent;
  const latents: Float32Array[] = [];
  for (let loop = 0; loop < header.tensors.size; loop++)
    latents.push(
      (await numbersIn(path, header, `latents.${loop}`, [records.length, channels, frames, height, width])).data,
    );
  if (latents.length === 0) throw corrupt(path, latentsPurpose, 'it holds no tensor');
  return { latents, geometry, records };
}

/** The encoded prompts of a run. */
export interface SavedText {
  /** For each loop. */
  readonly text: readonly TextConditioning[];
  readonly prompts: readonly string[];
  /** What the encoder read of each prompt, for each loop: options of a run may add to it. */
  readonly texts: readonly (readonly string[])[];
  readonly negativePrompt?: string;
}

type TextOptions = Pick<DecidedOptions, 'prompts' | 'loops' | 'negativePrompt' | 'familyOptions'>;

/** What the encoder reads of a run's prompts, for each loop. */
export function textsOf({ text }: Pick<Pipeline, 'text'>, { prompts, loops, familyOptions }: TextOptions): string[][] {
  const prepared = prompts.map((prompt) => text.prepare(prompt, familyOptions));
  return Array.from({ length: loops }, (_, loop) => prepared.map(({ textFor }) => textFor(loop)));
}

/** Throws `invalid_option` where a run would encode something else than what a file holds. */
export function assertSameText(
  path: string,
  { texts, negativePrompt }: Omit<SavedText, 'text'>,
  pipeline: Pick<Pipeline, 'text'>,
  run: TextOptions,
): void {
  const refuse = (there: string | undefined, here: string | undefined) =>
    new QuantCacheError(
      'invalid_option',
      `${path} has ${inWords(there)}, and this run asks for ${inWords(here)}. Give the options with which it was written, or encode anew.`,
    );
  for (const [loop, row] of textsOf(pipeline, { ...run, loops: texts.length }).entries())
    for (const [i, here] of row.entries()) if (texts[loop]![i] !== here) throw refuse(texts[loop]![i], here);
  if (negativePrompt !== run.negativePrompt) throw refuse(negativePrompt, run.negativePrompt);
}

const inWords = (text: string | undefined): string =>
  text === undefined ? 'no negative prompt' : `the text ${JSON.stringify(text)}`;

/**
 * Writes encoded prompts: for each loop `0.conditional [prompts, length, channels]` and, where padding is told apart,
 * `0.conditional.mask [prompts, length]`; with guidance the same of `unconditional`.
 */
export async function saveText(path: string, { text, prompts, texts, negativePrompt }: SavedText): Promise<void> {
  const tensors = text.flatMap(({ conditional, unconditional }, loop) => [
    ...contextTensors(`${loop}.conditional`, conditional),
    ...(unconditional ? contextTensors(`${loop}.unconditional`, unconditional) : []),
  ]);
  const said = { prompts, texts, negativePrompt };
  await writeSafetensors(path, tensors, { format: 'quantcache-text', said: JSON.stringify(said) });
}

/** Reads encoded prompts, and the SHA-256 of their file. Throws `model_not_found`, `corrupt_file`, `not_finite` and `io`. */
export async function readText(path: string): Promise<SavedText & { readonly hash: string }> {
  const header = await openStage(path, 'quantcache-text', textPurpose);
  const said = parseJson(header.metadata.said ?? '', path, saidSchema, textPurpose);
  const text: TextConditioning[] = [];
  for (let loop = 0; loop < said.texts.length; loop++) {
    const conditional = await contextIn(path, header, `${loop}.conditional`);
    const guided = header.tensors.has(`${loop}.unconditional`);
    const unconditional = guided ? await contextIn(path, header, `${loop}.unconditional`) : undefined;
    text.push({ conditional, unconditional });
  }
  const hash = createHash('sha256')
    .update(await readFileBytes(path, textPurpose))
    .digest('hex');
  return { ...said, text, hash };
}

function contextTensors(name: string, { states, dims, mask }: TextContext): TensorSource[] {
  const tensors: TensorSource[] = [{ name, dtype: 'F32', shape: [...dims], data: states }];
  if (mask)
    tensors.push({ name: `${name}.mask`, dtype: 'U8', shape: dims.slice(0, 2), data: Uint8Array.from(mask.flat()) });
  return tensors;
}

async function contextIn(path: string, header: Header, name: string): Promise<TextContext> {
  const { data: states, shape } = await numbersIn(path, header, name);
  if (shape.length !== 3) throw corrupt(path, textPurpose, `"${name}" has ${shape.length} axes, not 3`);
  const dims = shape as unknown as [number, number, number];
  if (!header.tensors.has(`${name}.mask`)) return { states, dims };
  const [prompts, length] = dims;
  const flags = [...(await numbersIn(path, header, `${name}.mask`, [prompts, length])).data];
  const mask = Array.from({ length: prompts }, (_, i) => flags.slice(i * length, (i + 1) * length));
  return { states, dims, mask };
}

async function openStage(path: string, format: string, purpose: typeof textPurpose): Promise<Header> {
  const header = await readHeader(path);
  if (header.metadata.format === format) return header;
  throw corrupt(path, purpose, 'it holds something else');
}

/** A tensor of a file, of a shape where one is given. */
async function numbersIn(path: string, { tensors }: Header, name: string, expected?: readonly number[]) {
  const tensor = tensors.get(name);
  const purpose = name.startsWith('latents') ? latentsPurpose : textPurpose;
  if (!tensor) throw corrupt(path, purpose, `it lacks the tensor "${name}"`);
  const { shape } = tensor;
  if (expected && String(shape) !== String(expected))
    throw corrupt(path, purpose, `"${name}" is [${shape.join(', ')}], not [${expected.join(', ')}]`);
  const data = toFloat32(await readBytes(path, tensor), tensor.dtype);
  assertFinite(data, `"${name}" of ${path}`, purpose.todo);
  return { data, shape };
}

const corrupt = (path: string, { what, todo }: typeof textPurpose, reason: string) =>
  new QuantCacheError('corrupt_file', `${path} is not ${what}: ${reason}. ${todo}`);
