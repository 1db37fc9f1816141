/** The identity of a checkpoint's content: exact, remembered, and not fooled by a file that looks unchanged. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache } from './cache.ts';
import { openDerived } from './derived.ts';
import { type HashProgress, hashFile, hashWeights } from './hash.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('hashWeights', () => {
  it('depends on content only, and is remembered', async () => {
    const cache = openCache(at('home'));
    const events: HashProgress[] = [];
    const onProgress = (event: HashProgress) => events.push(event);
    writeFileSync(at('a'), 'abc');
    expect(await hashWeights({ files: [at('a')] }, { cache, onProgress })).toBe(abc);
    expect(events).toEqual([{ type: 'hash', file: 'a', received: 3, total: 3 }]);
    events.length = 0;
    for (const known of [cache, openCache(at('home'))])
      expect(await hashWeights({ files: [at('a')] }, { cache: known, onProgress })).toBe(abc);
    expect(events).toEqual([]); // from memory, and from the folder
    copyFileSync(at('a'), at('b'));
    expect(await hashWeights({ files: [at('b')] }, { cache })).toBe(abc);
    const both = await hashWeights({ files: [at('a'), at('b')] }, { cache });
    expect(both).toMatch(/^[0-9a-f]{64}$/);
    expect(both).not.toBe(abc);
  });

  it.each([1, 300_000, 3_000_000])(
    'notices other content behind the same path, size and time: %d bytes',
    async (size) => {
      writeFileSync(at('weights'), Buffer.alloc(size, 1));
      utimesSync(at('weights'), 1e9, 1e9);
      const before = await hashFile(at('weights'), { cache: openCache(at('home')) });
      const changed = Buffer.alloc(size, 1);
      changed[size >> 1] = 2; // one byte, between the samples of the large file
      writeFileSync(at('weights'), changed);
      utimesSync(at('weights'), 1e9, 1e9);
      expect(statSync(at('weights')).mtimeMs).toBe(1e12);
      expect(await hashFile(at('weights'), { cache: openCache(at('home')) })).not.toBe(before);
    },
  );

  it('forgets what it cannot read, and what somebody else wrote', async () => {
    writeFileSync(at('a'), 'abc');
    await hashFile(at('a'), { cache: openCache(at('home')) });
    const [name] = readdirSync(at('home/hashes'));
    const entry = readFileSync(at(`home/hashes/${name}`), 'utf8');
    for (const broken of ['', 'x', entry.replace(abc, 'no hash'), `${'0'.repeat(64)}\nanother state`]) {
      writeFileSync(at(`home/hashes/${name}`), broken);
      expect(await hashFile(at('a'), { cache: openCache(at('home')) })).toBe(abc);
    }
  });
});

describe('a cache that cannot be written', () => {
  const tensors = async () => [{ name: 'x', dtype: 'U8' as const, shape: [1], data: Uint8Array.of(7) }];

  it('stops nothing, is said once, and keeps for the process what is needed', async () => {
    writeFileSync(at('home'), 'a file in the place of the folder');
    writeFileSync(at('a'), 'abc');
    const warnings: string[] = [];
    const cache = openCache(at('home'), (message) => warnings.push(message));
    const events: HashProgress[] = [];
    for (let run = 0; run < 2; run++)
      expect(await hashFile(at('a'), { cache, onProgress: (event) => events.push(event) })).toBe(abc);
    expect(events.length).toBe(1);
    let made = 0;
    const counted = () => {
      made++;
      return tensors();
    };
    for (let run = 0; run < 2; run++) {
      const checkpoint = await openDerived('quantized/x.safetensors', counted, { key: 'k', cache });
      expect(checkpoint.names()).toEqual(['x']);
      expect(checkpoint.path.startsWith(folder)).toBe(false);
      expect(existsSync(checkpoint.path)).toBe(true);
    }
    expect(made).toBe(1);
    expect(warnings).toEqual([expect.stringMatching(/home.*Going on without it.*Set QUANTCACHE_HOME/)]);
  });

  it('is no excuse for other failures', async () => {
    const cache = openCache(at('home'));
    const signal = AbortSignal.abort();
    await expect(openDerived('x.safetensors', tensors, { key: 'k', cache, signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await expect(cache.make('x', () => Promise.reject(new TypeError('ours')))).rejects.toThrow(TypeError);
  });
});
