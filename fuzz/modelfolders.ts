/** Model folders that are wrong in one way each, made from the embedded model. */
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const source = resolve('models/demo');

interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

/** Makes a folder that equals the embedded model, without profiles. Its weights are links until they are changed. */
export function copyOfDemo(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  const skipped = /profiles|\.png$|\.safetensors$/;
  cpSync(source, folder, { recursive: true, filter: (path) => !skipped.test(path.slice(source.length)) });
  for (const part of ['stdit3', 't5', 'vae']) {
    const weights = join(part, 'model.safetensors');
    symlinkSync(join(source, weights), join(folder, weights));
  }
  return folder;
}

/** Replaces a file, which may be a link. */
export function replaceFile(path: string, contents: string | Uint8Array): void {
  rmSync(path, { force: true });
  writeFileSync(path, contents);
}

export const wrongFolders: Readonly<Record<string, (folder: string) => void>> = {
  'a stale tensor in another shard': (folder) =>
    shard(folder, {
      second: (own, first) => [
        ...own,
        ...first.slice(-5).map((one) => ({ ...one, data: Buffer.alloc(one.data.length) })),
      ],
    }),
  'a tensor mapped to a shard without it': (folder) =>
    shard(folder, { map: (names, files) => ({ ...names, [Object.keys(names)[0]!]: files[1]! }) }),
  'an index that is null': (folder) => {
    shard(folder);
    replaceFile(join(folder, 'stdit3/model.safetensors.index.json'), 'null');
  },
  'NaN in a feed-forward': (folder) =>
    poke(folder, 'stdit3', 'spatial_blocks.0.mlp.fc1.weight', { F16: 0x7e00, F32: 0x7fc00000 }),
  'infinity in an attention': (folder) =>
    poke(folder, 'stdit3', 'temporal_blocks.2.attn.qkv.weight', { F16: 0x7c00, F32: 0x7f800000 }),
  'three groups in the norms of the VAE': (folder) =>
    edit<{ temporal: { num_groups: number } }>(join(folder, 'vae/config.json'), ({ temporal }) => {
      temporal.num_groups = 3;
    }),
  'a token far beyond the vocabulary': (folder) => addToken(folder, 1e9, '<far>'),
  'a negative token': (folder) => addToken(folder, -1, '<minus>'),
};

interface Tokenizer {
  added_tokens: { id: number; content: string }[];
}

function addToken(folder: string, id: number, content: string): void {
  edit<Tokenizer>(join(folder, 't5/tokenizer.json'), ({ added_tokens: tokens }) => {
    tokens.push({ ...tokens[2]!, id, content });
  });
}

function edit<Document>(path: string, change: (document: Document) => void): void {
  const document = JSON.parse(readFileSync(path, 'utf8')) as Document;
  change(document);
  replaceFile(path, JSON.stringify(document));
}

interface Sharding {
  second?: (own: StoredTensor[], first: StoredTensor[]) => StoredTensor[];
  map?: (names: Record<string, string>, files: readonly string[]) => Record<string, string>;
}

/** Splits the transformer into two shards. */
export function shard(folder: string, { second = (own) => own, map = (names) => names }: Sharding = {}): void {
  const path = (name: string) => join(folder, 'stdit3', name);
  const tensors = readTensors(path('model.safetensors'));
  const half = tensors.length >> 1;
  const files = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  replaceFile(path(files[0]!), bytesOf(tensors.slice(0, half)));
  replaceFile(path(files[1]!), bytesOf(second(tensors.slice(half), tensors.slice(0, half))));
  const names = Object.fromEntries(tensors.map(({ name }, i) => [name, files[i < half ? 0 : 1]!]));
  replaceFile(path('model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map(names, files) }));
  rmSync(path('model.safetensors'));
}

/** Overwrites the first value of a tensor with a bit pattern. */
function poke(folder: string, part: string, name: string, bits: { F16: number; F32: number }): void {
  const path = join(folder, part, 'model.safetensors');
  const tensors = readTensors(path);
  const { dtype, data } = tensors.find((one) => one.name === name)!;
  if (dtype === 'F16') data.writeUInt16LE(bits.F16, 0);
  else data.writeUInt32LE(bits.F32, 0);
  replaceFile(path, bytesOf(tensors));
}

// Written here and not with the code under test, which would refuse to write what is wrong.
type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

function readTensors(path: string): StoredTensor[] {
  const bytes = readFileSync(path);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(bytes.subarray(8, end).toString()) as Record<string, Entry>;
  return Object.entries(header).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => ({
      name,
      dtype,
      shape,
      data: Buffer.from(bytes.subarray(end + from, end + to)),
    }),
  );
}

function bytesOf(tensors: readonly StoredTensor[]): Buffer {
  let offset = 0;
  const header: Record<string, Entry> = {};
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape: [...shape], data_offsets: [offset, offset + data.length] };
    offset += data.length;
  }
  const text = JSON.stringify(header);
  const padded = text + ' '.repeat((64 - ((8 + text.length) % 64)) % 64);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, Buffer.from(padded), ...tensors.map(({ data }) => data)]);
}
