/** What is kept on disk is counted, and removed where it is ours. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clearCaches, listCaches } from './caches.ts';
import { readEnvironment } from './environment.ts';

function filled() {
  const home = mkdtempSync(join(tmpdir(), 'quantcache-home-'));
  const write = (folder: string, bytes: number) => {
    mkdirSync(join(home, folder), { recursive: true });
    writeFileSync(join(home, folder, 'file'), new Uint8Array(bytes));
  };
  write('quantized', 100);
  write('text', 20);
  write('hub/models--a--b/blobs', 3);
  return { home, environment: readEnvironment({ QUANTCACHE_HOME: home, HF_HUB_CACHE: join(home, 'hub') }) };
}

test('caches are listed with what they take', async () => {
  const { environment } = filled();
  const sizes = (await listCaches(environment)).map(({ name, files, bytes, ours }) => [name, files, bytes, ours]);
  expect(sizes).toEqual([
    ['quantized', 1, 100, true],
    ['text', 1, 20, true],
    ['hashes', 0, 0, true],
    ['models', 1, 3, false],
  ]);
});

test('one of them is cleared, or all of ours, never downloaded models', async () => {
  const { home, environment } = filled();
  await clearCaches(['text'], environment);
  expect([existsSync(join(home, 'text')), existsSync(join(home, 'quantized'))]).toEqual([false, true]);
  await clearCaches(undefined, environment);
  expect([existsSync(join(home, 'quantized')), existsSync(join(home, 'hub'))]).toEqual([false, true]);
  await expect(clearCaches(['models'], environment)).rejects.toThrow(/no cache "models" to clear; name quantized/);
});
