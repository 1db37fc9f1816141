/**
 * Every environment variable that the project reads, in one place.
 *
 * Invariant: nothing else reads `process.env`; the values are the same as those of the Python `huggingface_hub` library, so
 * that both share one cache and one token.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { QuantCacheError } from './errors.ts';

/** The variables, their defaults and effects: the table that the documentation and `--help` print. */
export const environmentVariables = [
  { name: 'HF_HOME', default: '$XDG_CACHE_HOME/huggingface', effect: 'folder of the Hugging Face cache and token' },
  { name: 'HF_HUB_CACHE', default: '$HF_HOME/hub', effect: 'folder that downloaded models are kept in' },
  { name: 'HUGGINGFACE_HUB_CACHE', default: '', effect: 'old name of HF_HUB_CACHE' },
  { name: 'HF_TOKEN', default: '', effect: 'access token for private or gated models' },
  { name: 'HF_TOKEN_PATH', default: '$HF_HOME/token', effect: 'file with the access token, if HF_TOKEN is not set' },
  { name: 'HF_ENDPOINT', default: 'https://huggingface.co', effect: 'address of the hub or of a mirror' },
  { name: 'HF_HUB_OFFLINE', default: '0', effect: '1: use only what is in the cache' },
  { name: 'HTTPS_PROXY', default: '', effect: 'proxy to a hub of https; in small letters too, as the next two' },
  { name: 'HTTP_PROXY', default: '', effect: 'proxy to a hub of http' },
  { name: 'NO_PROXY', default: '', effect: 'hosts that are reached without a proxy' },
  { name: 'XDG_CACHE_HOME', default: '~/.cache', effect: 'folder of all caches' },
  { name: 'QUANTCACHE_HOME', default: '$XDG_CACHE_HOME/quantcache', effect: 'quantized weights, profiles, hashes' },
  {
    name: 'DATABASE_URL',
    default: '',
    effect: 'Postgres of "quantcache serve" and "worker"; without it jobs are files',
  },
  { name: 'QUANTCACHE_API_KEY', default: '', effect: 'key that clients of "quantcache serve" must send' },
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
  /** Address of the hub as it was given; checked where a hub is used. */
  endpoint: string;
  /** The access token as it was given, and the file that has one otherwise. */
  token: string | undefined;
  tokenPath: string;
  /** Proxies for addresses of either kind, and hosts that are reached without. */
  proxy: { http: string | undefined; https: string | undefined; except: string | undefined };
  offline: boolean;
  /** Address of the database that servers and workers share, as it was given. */
  database: string | undefined;
  /** A key of our own server's clients. */
  apiKey: string | undefined;
  /** Our own folder: quantized weights, profiles, hashes. */
  home: string;
}

/** Reads the environment once; pass the result on. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const cache = folder(env.XDG_CACHE_HOME) ?? join(homedir(), '.cache');
  const hubHome = folder(env.HF_HOME) ?? join(cache, 'huggingface');
  return {
    hubCache: folder(env.HF_HUB_CACHE) ?? folder(env.HUGGINGFACE_HUB_CACHE) ?? join(hubHome, 'hub'),
    endpoint: env.HF_ENDPOINT || 'https://huggingface.co',
    token: env.HF_TOKEN?.trim() || undefined,
    tokenPath: folder(env.HF_TOKEN_PATH) ?? join(hubHome, 'token'),
    proxy: {
      http: env.http_proxy || env.HTTP_PROXY || undefined,
      https: env.https_proxy || env.HTTPS_PROXY || undefined,
      except: env.no_proxy || env.NO_PROXY || undefined,
    },
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE?.trim() ?? ''),
    database: env.DATABASE_URL || undefined,
    apiKey: env.QUANTCACHE_API_KEY || undefined,
    home: folder(env.QUANTCACHE_HOME) ?? join(cache, 'quantcache'),
  };
}

/** An absolute folder from a variable, `~` expanded; undefined if unset or empty. */
function folder(value: string | undefined): string | undefined {
  if (!value) return undefined;
  return resolve(value.replace(/^~(?=$|[\\/])/, homedir()));
}

/** What the environment says of 8-bit integers, if anything. Throws `invalid_option`. */
export function readIntegerProducts(
  env: Readonly<Record<string, string | undefined>> = process.env,
): 'exact' | 'saturates' | undefined {
  const value = env.QUANTCACHE_INTEGER_PRODUCTS;
  if (!value) return undefined;
  if (value === 'exact' || value === 'saturates') return value;
  const message = `QUANTCACHE_INTEGER_PRODUCTS is "${value}"; it may be exact or saturates. Correct or unset it.`;
  throw new QuantCacheError('invalid_option', message);
}
