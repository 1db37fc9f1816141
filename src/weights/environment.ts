/**
 * Every environment variable that the project reads, in one place.
 *
 * Invariant: nothing else reads `process.env`; the values are the same as those of the Python `huggingface_hub` library, so
 * that both share one cache and one token.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { QuantCacheError } from '../errors.ts';
import type { IntegerProducts } from '../runtime/products.ts';

/** The variables, their defaults and effects: the table that the documentation and `--help` print. */
export const environmentVariables = [
  { name: 'HF_HOME', default: '$XDG_CACHE_HOME/huggingface', effect: 'folder of the Hugging Face cache and token' },
  { name: 'HF_HUB_CACHE', default: '$HF_HOME/hub', effect: 'folder that downloaded models are kept in' },
  { name: 'HUGGINGFACE_HUB_CACHE', default: '', effect: 'old name of HF_HUB_CACHE' },
  { name: 'HF_TOKEN', default: '', effect: 'access token for private or gated models' },
  { name: 'HF_TOKEN_PATH', default: '$HF_HOME/token', effect: 'file with the access token, if HF_TOKEN is not set' },
  { name: 'HF_ENDPOINT', default: 'https://huggingface.co', effect: 'address of the hub or of a mirror' },
  { name: 'HF_HUB_OFFLINE', default: '0', effect: '1: use only what is in the cache' },
  { name: 'XDG_CACHE_HOME', default: '~/.cache', effect: 'folder of all caches' },
  { name: 'QUANTCACHE_HOME', default: '$XDG_CACHE_HOME/quantcache', effect: 'quantized weights, profiles, hashes' },
  {
    name: 'QUANTCACHE_INTEGER_PRODUCTS',
    default: 'what a self-test finds',
    effect: 'exact or saturates: how the processor is taken to multiply 8-bit integers, for tests',
  },
] as const;

/** The settings that come from the environment. */
export interface Environment {
  /** Folder of the hub's cache; models are in `models--owner--name` within. */
  hubCache: string;
  /** Address of the hub, without a slash at the end. */
  endpoint: string;
  token: string | undefined;
  offline: boolean;
  /** Our own folder: quantized weights, profiles, hashes. */
  home: string;
}

/** Reads the environment once; pass the result on. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const cache = folder(env.XDG_CACHE_HOME) ?? join(homedir(), '.cache');
  const hubHome = folder(env.HF_HOME) ?? join(cache, 'huggingface');
  return {
    hubCache: folder(env.HF_HUB_CACHE) ?? folder(env.HUGGINGFACE_HUB_CACHE) ?? join(hubHome, 'hub'),
    endpoint: readEndpoint(env.HF_ENDPOINT),
    token: env.HF_TOKEN?.trim() || readToken(folder(env.HF_TOKEN_PATH) ?? join(hubHome, 'token')),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE?.trim() ?? ''),
    home: folder(env.QUANTCACHE_HOME) ?? join(cache, 'quantcache'),
  };
}

/** An absolute folder from a variable, `~` expanded; undefined if unset or empty. */
function folder(value: string | undefined): string | undefined {
  if (!value) return undefined;
  return resolve(value.replace(/^~(?=$|[\\/])/, homedir()));
}

function readEndpoint(value: string | undefined): string {
  const endpoint = (value || 'https://huggingface.co').replace(/\/+$/, '');
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    const message = `HF_ENDPOINT is "${value}"; it must be an address such as https://huggingface.co. Correct or unset it.`;
    throw new QuantCacheError('invalid_option', message);
  }
  return endpoint;
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined; // no token is a normal state; a model that needs one says so
  }
}

/** What the environment says of 8-bit integers, if anything. Throws `invalid_option`. */
export function readIntegerProducts(
  env: Readonly<Record<string, string | undefined>> = process.env,
): IntegerProducts | undefined {
  const value = env.QUANTCACHE_INTEGER_PRODUCTS;
  if (!value) return undefined;
  if (value === 'exact' || value === 'saturates') return value;
  const message = `QUANTCACHE_INTEGER_PRODUCTS is "${value}"; it may be exact or saturates. Correct or unset it.`;
  throw new QuantCacheError('invalid_option', message);
}
