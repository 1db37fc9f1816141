/**
 * The state of a long run beside the file that it will write: `<out>.partial`, replaced whole now and then, removed at the end.
 * Another run goes on from it to the same bytes, so it is refused for anything that could change them.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { parseJson } from '../files/json.ts';
import { isThere } from '../files/read.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { createRunState, type RunState } from '../state.ts';
import { bytesOf } from '../weights/dtypes.ts';
import { readBytes, readHeader, writeSafetensors } from '../weights/safetensors.ts';
import { createKeeper } from './keeper.ts';
import { type ClipRecord, clipRecordSchema } from './record.ts';
import { decodeState, encodeState } from './savedstate.ts';

const purpose = {
  what: 'the state of a run by this version of QuantCache',
  todo: 'Remove it, and begin again without --resume.',
};

const metadataSchema = z.object({
  format: z.literal('quantcache-partial'),
  /** What the clip's file will say of its making. */
  record: z.string(),
  state: z.string(),
  /** SHA-256 of `state` and all arrays. */
  digest: z.string(),
});

/** Where the state of a run lies that writes such a file. */
export const partialOf = (out: string): string => `${out}.partial`;

/** Saves a state, whole or not at all. `record` says what the run is. */
export async function savePartial(
  path: string,
  record: ClipRecord,
  state: RunState,
  runtime: Pick<Runtime, 'read'>,
): Promise<void> {
  const { text, tensors } = encodeState(await state.save(runtime));
  const metadata = {
    format: 'quantcache-partial',
    record: JSON.stringify(record),
    state: text,
    digest: digestOf(
      text,
      tensors.map(({ data }) => data),
    ),
  };
  await writeSafetensors(path, tensors, metadata);
}

/**
 * The state of an earlier run of which the same record was made. Throws `invalid_option` that says in what they differ,
 * `model_not_found` where there is no such file, and `corrupt_file`.
 */
export async function openPartial(path: string, record: ClipRecord, runtime: Runtime): Promise<RunState> {
  if (!(await isThere(path)))
    throw new QuantCacheError(
      'model_not_found',
      `There is no ${path} to go on from: no run of more than a minute was stopped there. Leave out --resume to begin.`,
    );
  const corrupt = (reason: string, cause?: unknown) =>
    new QuantCacheError('corrupt_file', `${path} is not ${purpose.what}: ${reason}. ${purpose.todo}`, { cause });
  const { metadata, tensors } = await readHeader(path).catch((error: unknown) => {
    const isCorrupt = error instanceof QuantCacheError && error.code === 'corrupt_file';
    throw isCorrupt ? corrupt('it was cut or is of another kind', error) : error;
  });
  const result = metadataSchema.safeParse(metadata);
  if (!result.success) throw corrupt('it holds something else');
  const { state, digest, record: recorded } = result.data;
  const arrays: Uint8Array[] = [];
  for (const [name, tensor] of tensors) arrays[Number(name)] = await readBytes(path, tensor);
  if (digestOf(state, arrays) !== digest) throw corrupt('it was changed');
  const earlier = parseJson(recorded, path, clipRecordSchema, purpose);
  const differences = differencesOf(earlier, record);
  if (differences.length > 0)
    throw new QuantCacheError(
      'invalid_option',
      `${path} is of another run: ${differences.join('; ')}. Ask for the same, or begin again without --resume.`,
    );
  return createRunState({ saved: decodeState(state, arrays, path, purpose), runtime });
}

export interface KeepOptions {
  readonly path: string;
  readonly record: ClipRecord;
  readonly state: RunState;
  readonly runtime: Pick<Runtime, 'read'>;
  /** Seconds after which a run is long enough to keep. */
  readonly after: number;
  /** Told once of what keeps the state from being written; the run goes on. */
  readonly onFailure: (error: QuantCacheError) => void;
}

/** Keeps the state of a run that begins now: call `offer` where it can be saved. */
export function keepPartial({ path, record, state, runtime, after, onFailure }: KeepOptions): {
  offer(): Promise<void>;
  readonly isKept: boolean;
} {
  let isKept = false;
  let works = true;
  const keeper = createKeeper({
    after: after * 1000,
    async save() {
      await savePartial(path, record, state, runtime);
      isKept = true;
    },
  });
  return {
    async offer() {
      if (!works) return;
      await keeper.offer().catch((error: unknown) => {
        if (!(error instanceof QuantCacheError) || error.code !== 'io') throw error;
        works = false;
        onFailure(error);
      });
    },
    get isKept() {
      return isKept;
    },
  };
}

/** Removes the state, if there is one. Throws `io`. */
export async function removePartial(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw fileError('write', path, error);
  });
}

/** All that the bytes of a clip follow from, by what to call it. */
const decisive = ({ run, profile, model, pictures, text, quantcache, runtime, processor, source }: ClipRecord) => ({
  version: quantcache,
  ...run,
  profile,
  'weights of the model': model.hash,
  VAE: source.vae,
  'text encoder': source.textEncoder,
  pictures: pictures.map(({ sha256 }) => sha256),
  'encoded prompts': text,
  'runtime and its threads': runtime,
  processor,
});

/** In what two runs differ, in words. */
function differencesOf(earlier: ClipRecord, now: ClipRecord): string[] {
  const [before, after]: Record<string, unknown>[] = [earlier, now].map((record) =>
    JSON.parse(JSON.stringify(decisive(record))),
  );
  const names = [...new Set([...Object.keys(before!), ...Object.keys(after!)])];
  return names
    .filter((name) => !isDeepStrictEqual(before![name], after![name]))
    .map((name) => `${name} was ${inWords(before![name])}, now ${inWords(after![name])}`);
}

const inWords = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not given');

function digestOf(text: string, arrays: readonly ArrayBufferView[]): string {
  const hash = createHash('sha256').update(text);
  for (const array of arrays) hash.update(bytesOf(array));
  return hash.digest('hex');
}
