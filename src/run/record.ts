/**
 * What a clip's file says of its making: everything that was decided about the run, its place in the batch, the model's
 * weights and the pictures by their hashes, and on what it ran. `quantcache generate --from` makes the same bytes from it.
 */
import { arch, cpus } from 'node:os';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import { issuesOf } from '../refusals.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { version } from '../version.ts';
import { readMetadata } from '../video/metadata.ts';
import type { RunDecision } from './decide.ts';
import { runOptionsSchema } from './options.ts';
import { type FoundPicture, pictureSchema } from './pictures.ts';

/** The schema of what a file says of its making. */
export const clipRecordSchema = z.strictObject({
  format: z.literal('quantcache-clip'),
  version: z.literal(1),
  /** What this clip shows, also among the prompts of `run`. */
  prompt: z.string(),
  /** The clip's place in its batch: a clip depends on how many there are before it. */
  index: z.int().nonnegative(),
  /** What was decided; decides to the same again. */
  run: runOptionsSchema,
  /** Name of the profile that the policy's options are from. */
  profile: z.string().optional(),
  /** Share of the computed operations per precision. */
  computed: z.record(z.string(), z.number()),
  model: z.strictObject({ name: z.string(), hash: z.string() }),
  /** Model and machine, as they were asked for. */
  source: z.strictObject({
    model: z.string().optional(),
    vae: z.string().optional(),
    textEncoder: z.string().optional(),
    device: z.enum(['cpu', 'webgpu', 'cuda']).optional(),
    threads: z.int().positive().optional(),
  }),
  /** The pictures that the batch is conditioned on. */
  pictures: z.array(pictureSchema),
  /** Hash of the file of encoded prompts, where they came from one. */
  text: z.string().optional(),
  /** Version, processor and its path: the same bytes come out only for the same. */
  quantcache: z.string(),
  runtime: z.string(),
  processor: z.string(),
});

/** What a file says of its making. */
export type ClipRecord = z.output<typeof clipRecordSchema>;

/** What a record is made of. */
export interface RecordParts extends Pick<ClipRecord, 'computed' | 'source' | 'pictures' | 'text'> {
  readonly decision: Pick<RunDecision, 'run' | 'profile'>;
  readonly pipeline: Pick<Pipeline, 'model' | 'hash'>;
  readonly runtime: Pick<Runtime, 'description'>;
  /** The clip that is made again, whose names of things are kept, wherever they lie now. */
  readonly earlier?: ClipRecord;
}

/** The record of one clip of a batch, in the order of its schema: the same record is the same bytes in any file. */
export async function recordOf(
  index: number,
  { decision: { run, profile }, pipeline, runtime, earlier, computed, ...parts }: RecordParts,
): Promise<ClipRecord> {
  const record: ClipRecord = {
    format: 'quantcache-clip',
    version: 1,
    prompt: run.prompts[index]!,
    index,
    run,
    profile,
    computed: rounded(computed),
    ...parts,
    pictures: parts.pictures.map(({ file, sha256 }) => ({ file, sha256 })), // where they lay is nobody's business
    model: { name: pipeline.model, hash: await pipeline.hash() },
    quantcache: version,
    runtime: runtime.description,
    processor: processor(),
  };
  if (!earlier) return clipRecordSchema.parse(record);
  const { run: asked, profile: named, source, pictures, model } = earlier;
  return clipRecordSchema.parse({
    ...record,
    run: { ...run, image: asked.image },
    profile: named,
    source,
    pictures,
    model,
  });
}

/** Kernels are chosen by what a processor can do, and add in different orders. */
const processor = (): string => `${cpus()[0]?.model.trim() ?? 'unknown'} (${arch()})`;

const rounded = (shares: ClipRecord['computed']): ClipRecord['computed'] =>
  Object.fromEntries(Object.entries(shares).map(([precision, share]) => [precision, Number(share.toFixed(4))]));

/** The record in a clip's file. Throws `corrupt_file` for a file without one, and what reading throws. */
export async function readRecord(file: string): Promise<ClipRecord> {
  const metadata = await readMetadata(file);
  const result = clipRecordSchema.safeParse(metadata);
  if (result.success && result.data.index < result.data.run.prompts.length) return result.data;
  const reason = !metadata
    ? 'it holds no description by QuantCache'
    : `its description is not of this version (${result.error ? issuesOf(result.error) : 'index: beyond the prompts'})`;
  throw new QuantCacheError(
    'corrupt_file',
    `${file} does not say how it was made: ${reason}. Give a file that "quantcache generate" wrote and no other program changed.`,
  );
}

/** In what this run differs from the one that made a file, where that may change bytes; undefined where in nothing. */
export function differenceOf(record: ClipRecord, runtime: Pick<Runtime, 'description'>): string | undefined {
  const there = `${record.quantcache} on ${record.runtime}, ${record.processor}`;
  const here = `${version} on ${runtime.description}, ${processor()}`;
  return there === here ? undefined : `made by QuantCache ${there}; this is ${here}: the bytes may differ`;
}

/** Throws `weights_mismatch` unless a clip was made with these weights. */
export async function assertSameModel(
  record: Pick<ClipRecord, 'model'>,
  pipeline: Pick<Pipeline, 'model' | 'hash'>,
): Promise<void> {
  if (record.model.hash === (await pipeline.hash())) return;
  throw new QuantCacheError(
    'weights_mismatch',
    `The clip was made with other weights of ${record.model.name} than ${pipeline.model} has here. Name the model that made it with --model.`,
  );
}

/**
 * Throws `weights_mismatch` or `invalid_option` unless a clip was made with these weights, these pictures and, where they
 * came from a file, these encoded prompts.
 */
export async function assertSameMaking(
  record: ClipRecord,
  pipeline: Pick<Pipeline, 'model' | 'hash'>,
  pictures: readonly FoundPicture[],
  text?: string,
): Promise<void> {
  await assertSameModel(record, pipeline);
  if (record.text !== text)
    throw new QuantCacheError(
      'invalid_option',
      record.text === undefined
        ? 'The clip was made without encoded prompts from a file; leave out --from-text.'
        : 'The clip was made from a file of encoded prompts; name that file with --from-text.',
    );
  const other = pictures.find(({ sha256 }, i) => record.pictures[i]?.sha256 !== sha256);
  if (!other && pictures.length === record.pictures.length) return;
  const file = other?.path ?? record.pictures.at(-1)!.file;
  throw new QuantCacheError(
    'invalid_option',
    `The clip was made with another picture than ${file} is now. Put that back, or name where it lies with --image.`,
  );
}
