import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { environmentVariables, readEnvironment, readIntegerProducts } from './environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-environment-'));
afterAll(() => rmSync(folder, { recursive: true }));
const empty = { HF_TOKEN_PATH: join(folder, 'none') };

describe('readEnvironment', () => {
  it('has the defaults of the Python library', () => {
    expect(readEnvironment(empty)).toEqual({
      hubCache: join(homedir(), '.cache/huggingface/hub'),
      endpoint: 'https://huggingface.co',
      token: undefined,
      offline: false,
      home: join(homedir(), '.cache/quantcache'),
    });
  });

  it.each([
    [{ XDG_CACHE_HOME: '/c' }, '/c/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/c', HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, '/new'],
    [{ HF_HUB_CACHE: '~/models' }, join(homedir(), 'models')],
    [{ HF_HUB_CACHE: '', HF_HOME: '/h' }, '/h/hub'],
  ])('%o keeps models in %s', (env, expected) => {
    expect(readEnvironment({ ...empty, ...env }).hubCache).toBe(resolve(expected));
  });

  it('takes the token from HF_TOKEN, else HF_TOKEN_PATH, else $HF_HOME/token', () => {
    writeFileSync(join(folder, 'token'), 'hf_home\n');
    writeFileSync(join(folder, 'other'), 'hf_other\n');
    const HF_HOME = folder;
    expect(readEnvironment({ HF_HOME }).token).toBe('hf_home');
    expect(readEnvironment({ HF_HOME, HF_TOKEN_PATH: join(folder, 'other') }).token).toBe('hf_other');
    expect(readEnvironment({ HF_HOME, HF_TOKEN_PATH: join(folder, 'other'), HF_TOKEN: ' hf_x ' }).token).toBe('hf_x');
  });

  it('reads switches, endpoints and our own folder', () => {
    for (const on of ['1', 'true', 'YES', 'on'])
      expect(readEnvironment({ ...empty, HF_HUB_OFFLINE: on }).offline).toBe(true);
    expect(readEnvironment({ ...empty, HF_HUB_OFFLINE: '0' }).offline).toBe(false);
    expect(readEnvironment({ ...empty, HF_ENDPOINT: 'https://mirror.example/hf/' }).endpoint).toBe(
      'https://mirror.example/hf',
    );
    expect(readEnvironment({ ...empty, QUANTCACHE_HOME: '/q' }).home).toBe(resolve('/q'));
    expect(() => readEnvironment({ ...empty, HF_ENDPOINT: 'mirror.example' })).toThrow(
      /HF_ENDPOINT is "mirror\.example"/,
    );
  });

  it('documents every variable that it reads, and no other', () => {
    const read = new Set<string>();
    const spy = new Proxy({} as Record<string, string>, {
      get: (_, name) => {
        read.add(String(name));
        return undefined;
      },
    });
    readEnvironment(spy);
    readIntegerProducts(spy);
    expect([...read].sort()).toEqual(environmentVariables.map(({ name }) => name).sort());
  });
});
