/** Model folders whose parts do not fit are refused when they are opened, with the fields that are wrong. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRuntime } from '#runtime';
import type { Runtime } from '../../runtime/runtime.ts';
import { openModel } from '../index.ts';
import { checkParts, type Parts } from './parts.ts';
import { parseStdit3Config } from './stdit3/config.ts';
import { parseT5Config } from './t5/config.ts';
import { parseVaeConfig } from './vae/config.ts';

const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'quantcache-parts-'));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: documents of several forms, changed in one place each
type Change = (document: any) => void;
const addToken = (id: number, content: string) => (tokenizer: { added_tokens: object[] }) =>
  tokenizer.added_tokens.push({ ...tokenizer.added_tokens[2], id, content });

test.each<[string, string, Change, RegExp]>([
  ['a far id', 't5/tokenizer.json', addToken(1e9, '<far>'), /id 1000000000/],
  ['a negative id', 't5/tokenizer.json', addToken(-1, '<minus>'), /id -1/],
  ['an id beyond all others', 't5/tokenizer.json', addToken(2 ** 40, '<far>'), /id 1099511627776/],
  ['two tokens of one id', 't5/tokenizer.json', addToken(3, '<other>'), /id 3/],
  ['a far unknown piece', 't5/tokenizer.json', (it) => (it.model.unk_id = 1e9), /no unknown piece/],
  ['spatial groups', 'vae/config.json', (it) => (it.spatial.norm_num_groups = 3), /norm_num_groups/],
  ['temporal groups', 'vae/config.json', (it) => (it.temporal.num_groups = 3), /num_groups/],
  ['distances', 't5/config.json', (it) => (it.relative_attention_max_distance = 8), /max_distance must be above/],
  ['heads', 'stdit3/config.json', (it) => (it.num_heads = 7), /num_heads/],
])('%s: refused', async (_, file, change, message) => {
  const folder = mkdtempSync(join(root, 'model-'));
  cpSync(demo, folder, { recursive: true, filter: (path) => !path.includes('profiles') });
  const document = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  change(document);
  writeFileSync(join(folder, file), JSON.stringify(document));
  await expect(openModel(runtime, { model: folder })).rejects.toMatchObject({
    code: expect.stringMatching(/^(corrupt_file|weights_mismatch)$/),
    message: expect.stringMatching(message),
  });
});

const parts: Parts = {
  transformer: parseStdit3Config({}),
  vae: parseVaeConfig({}),
  textEncoder: parseT5Config({}),
  tokenizer: { vocabularySize: 32100 },
};
test.each<[keyof Parts, object, RegExp]>([
  ['transformer', { ...parts.transformer, inChannels: 8 }, /in_channels .* 8, .*VAE is 4/],
  ['transformer', { ...parts.transformer, captionChannels: 64 }, /caption_channels .* 64, .*4096/],
  ['vae', parseVaeConfig({ spatial: { latent_channels: 16 } }), /latent_channels .* 16, .*in_out_channels is 4/],
  ['tokenizer', { vocabularySize: 40000 }, /ids up to 39999, .* 32128 rows/],
])('parts of different models: %s', (part, other, message) => {
  expect(() => checkParts(parts)).not.toThrow();
  expect(() => checkParts({ ...parts, [part]: other })).toThrow(message);
});
