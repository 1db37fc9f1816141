/**
 * How the hub is reached: its address, the access token, the proxy, and how long it may be silent. All of it comes from the
 * environment and is checked here, when a hub is used and not before.
 *
 * Invariant: no message holds the token, or the user name and password of an address.
 */
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import type { Environment } from '../environment.ts';
import { QuantCacheError } from '../errors.ts';
import { findText } from '../files/read.ts';

/** Default of how long a hub may send nothing, in ms; as long as the Python library waits. */
const silenceLimit = 10_000;

/** A way to the hub; to be closed. */
export interface HubAccess {
  /** Address of the hub, without a slash at the end. */
  readonly endpoint: string;
  readonly hasToken: boolean;
  /** The proxy between, without user name and password, if there is one. */
  readonly proxy: string | undefined;
  /** Stops with the signal and on silence, and sends the token to the hub's own address, whoever makes the request. */
  readonly fetch: typeof fetch;
  close(): Promise<void>;
}

/** Opens a way to the hub. Throws `invalid_option` for a setting of the wrong form, `io` for a token that cannot be read. */
export async function openHubAccess(
  environment: Environment,
  options: { readonly signal?: AbortSignal; readonly silence?: number } = {},
): Promise<HubAccess> {
  const endpoint = checkEndpoint(environment.endpoint);
  const token = checkToken(environment.token ?? (await findText(environment.tokenPath))?.trim());
  const { http, https, except } = environment.proxy;
  const proxies = [checkProxy('HTTP_PROXY', http), checkProxy('HTTPS_PROXY', https)] as const;
  const silence = options.silence ?? silenceLimit;
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: http ?? '', // an empty text, so that undici does not read the environment by itself
    httpsProxy: https ?? '',
    noProxy: except ?? '',
    headersTimeout: silence,
    bodyTimeout: silence,
    connect: { timeout: silence },
  });
  const { origin, protocol } = new URL(endpoint);
  const request = (input: string | URL | Request, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    const url = input instanceof Request ? input.url : String(input);
    if (token && new URL(url).origin === origin) headers.set('Authorization', `Bearer ${token}`);
    const plain = { method: init?.method, headers: Object.fromEntries(headers), signal: options.signal, dispatcher };
    return undiciFetch(url, plain);
  };
  return {
    endpoint,
    hasToken: Boolean(token),
    proxy: protocol === 'https:' ? (proxies[1] ?? proxies[0]) : proxies[0],
    fetch: request as unknown as typeof fetch,
    close: () => dispatcher.destroy(),
  };
}

function checkEndpoint(value: string): string {
  const endpoint = value.replace(/\/+$/, '');
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.username || url?.password)
    throw invalid('HF_ENDPOINT holds a user name or password. Leave them out; access goes by HF_TOKEN.');
  if (url && /^https?:\/\//.test(endpoint) && !url.search && !url.hash) return endpoint;
  throw invalid(
    `HF_ENDPOINT is "${value}"; it must be an address such as https://huggingface.co. Correct or unset it.`,
  );
}

function checkToken(token: string | undefined): string | undefined {
  if (!token || /^[\x21-\x7e]+$/.test(token)) return token || undefined;
  throw invalid(
    'The access token (HF_TOKEN or its file) holds a space, a line break or a character that no token has. Copy it again from the settings of your account.',
  );
}

/** A proxy's address as it may be shown. */
function checkProxy(name: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (URL.canParse(value) && /^https?:\/\//.test(value)) return new URL(value).origin;
  throw invalid(`${name} is not an address of a proxy such as http://127.0.0.1:3128. Correct or unset it.`);
}

const invalid = (message: string) => new QuantCacheError('invalid_option', message);
