import { expect, test } from 'vitest';
import type { Model } from '../onnx/graph.ts';
import type { CompileOptions, Runtime, Session } from './runtime.ts';
import { sessionCache } from './sessions.ts';

/** A runtime whose sessions know whether they were released; the first `failures` compilations fail. */
function runtimeOf(failures = 0) {
  const log = { compiled: [] as string[], options: [] as (CompileOptions | undefined)[], released: [] as string[] };
  let left = failures;
  const compile = async (model: Model, options?: CompileOptions): Promise<Session> => {
    if (left-- > 0) throw new Error(`no memory for ${model.name}`);
    log.compiled.push(model.name);
    log.options.push(options);
    return { run: async () => ({}), dispose: async () => void log.released.push(model.name) };
  };
  return { log, cache: sessionCache({ compile } as Runtime) };
}

const model = (name: string) => ({ name }) as Model;

test('a session is compiled when it is first asked for, and once', async () => {
  const { log, cache } = runtimeOf();
  let built = 0;
  const build = () => {
    built++;
    return model('a');
  };
  const asked = await Promise.all([cache.get('a', build, { spinning: true }), cache.get('a', build)]);
  expect(asked[0]).toBe(asked[1]);
  expect(await cache.get('b', async () => model('b'))).not.toBe(asked[0]);
  expect([built, log.compiled]).toEqual([1, ['a', 'b']]);
  expect(log.options).toEqual([{ spinning: true }, undefined]);
});

test('a session that failed is tried again', async () => {
  const { log, cache } = runtimeOf(1);
  const [first, second] = [cache.get('a', () => model('a')), cache.get('a', () => model('a'))];
  await expect(first).rejects.toThrow('no memory for a');
  await expect(second).rejects.toThrow('no memory for a');
  await cache.get('a', () => model('a'));
  expect(log.compiled).toEqual(['a']);
});

test('a graph that cannot be built is built again', async () => {
  const { log, cache } = runtimeOf();
  await expect(cache.get('a', () => Promise.reject(new Error('no weights')))).rejects.toThrow('no weights');
  await cache.get('a', () => model('a'));
  expect(log.compiled).toEqual(['a']);
});

test('all sessions are released once, those that failed are passed over, and the cache stays usable', async () => {
  const { log, cache } = runtimeOf(1);
  const failing = cache.get('bad', () => model('bad'));
  const [a, b] = [cache.get('a', () => model('a')), cache.get('b', () => model('b'))];
  await cache.dispose();
  await expect(failing).rejects.toThrow('no memory');
  await Promise.all([a, b]);
  expect(log.released).toEqual(['a', 'b']);
  await cache.dispose();
  expect(log.released).toEqual(['a', 'b']);
  expect(await cache.get('a', () => model('a'))).not.toBe(await a);
});
