import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentVariables, readEnvironment, readIntegerProducts } from './environment.ts';

const empty = { HF_TOKEN_PATH: resolve('/none') };

describe('readEnvironment', () => {
  it('has the defaults of the Python library', () => {
    expect(readEnvironment(empty)).toEqual({
      hubCache: join(homedir(), '.cache/huggingface/hub'),
      endpoint: 'https://huggingface.co',
      token: undefined,
      tokenPath: empty.HF_TOKEN_PATH,
      proxy: { http: undefined, https: undefined, except: undefined },
      offline: false,
      apiKey: undefined,
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
    expect(readEnvironment({ HF_HOME: '/h' })).toMatchObject({ token: undefined, tokenPath: resolve('/h/token') });
    expect(readEnvironment({ HF_HOME: '/h', HF_TOKEN_PATH: '/other' }).tokenPath).toBe(resolve('/other'));
    expect(readEnvironment({ HF_TOKEN: ' hf_x ' }).token).toBe('hf_x');
  });

  it('reads switches, endpoints and our own folder', () => {
    for (const on of ['1', 'true', 'YES', 'on'])
      expect(readEnvironment({ ...empty, HF_HUB_OFFLINE: on }).offline).toBe(true);
    expect(readEnvironment({ ...empty, HF_HUB_OFFLINE: '0' }).offline).toBe(false);
    expect(readEnvironment({ ...empty, HF_ENDPOINT: 'https://mirror.example/hf' }).endpoint).toBe(
      'https://mirror.example/hf',
    );
    expect(readEnvironment({ ...empty, QUANTCACHE_HOME: '/q' }).home).toBe(resolve('/q'));
    const proxies = { http_proxy: 'http://a', HTTPS_PROXY: 'http://b', NO_PROXY: 'c' };
    expect(readEnvironment(proxies).proxy).toEqual({ http: 'http://a', https: 'http://b', except: 'c' });
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
    const names = [...read].filter((name) => name === name.toUpperCase()); // proxies are read in small letters too
    expect(names.sort()).toEqual(environmentVariables.map(({ name }) => name).sort());
  });
});
