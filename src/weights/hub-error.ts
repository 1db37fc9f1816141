/**
 * What a failed request to the hub means for the person who made it.
 *
 * The hub answers 401 for a model that does not exist as well as for a private one, so that both are said.
 */
import { HubApiError } from '@huggingface/hub';
import { messageOf, QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { isOfConnection } from './download.ts';
import type { HubAccess } from './hub-access.ts';

/** What was being asked for. */
export interface HubRequest {
  /** The model as it was given. */
  model: string;
  access: Pick<HubAccess, 'endpoint' | 'hasToken' | 'proxy'>;
  signal?: AbortSignal;
}

/** A failure of talking to the hub as our error. Throws what is none: a fault of the program, which no connection mends. */
export function hubError(error: unknown, { model, access, signal }: HubRequest): QuantCacheError {
  const failure =
    error instanceof Error && 'path' in error && typeof error.path === 'string'
      ? fileError('write', error.path, error)
      : error;
  if (failure instanceof QuantCacheError) {
    if (failure.code !== 'io') return failure;
    const message = `${failure.message} HF_HUB_CACHE names the folder of downloads.`;
    return new QuantCacheError('io', message, { cause: error });
  }
  if (signal?.aborted) {
    const message = 'The download was stopped. What has arrived is kept; the same command goes on from there.';
    return new QuantCacheError('aborted', message, { cause: error });
  }
  if (!isOfConnection(error)) throw error;
  const status = error instanceof HubApiError ? error.statusCode : undefined;
  const { endpoint, hasToken, proxy } = access;
  const fail = (code: 'network' | 'model_not_found', message: string) =>
    new QuantCacheError(code, message, { cause: error });
  const page = `${endpoint}/${model
    .replace(/[:@].*$/, '')
    .split('/')
    .slice(0, 2)
    .join('/')}`;
  switch (status) {
    case undefined:
      break;
    case 401:
      if (hasToken)
        return fail('network', `The hub refused the access token for ${model}. Correct HF_TOKEN, or unset it.`);
      return fail(
        'model_not_found',
        `There is no local folder "${model}", and no public model of that name on ${endpoint}. Check the spelling; for a private model set HF_TOKEN.`,
      );
    case 403:
      return fail(
        'network',
        `The hub refused access to ${model}. Accept its licence at ${page}, then set HF_TOKEN to a token that may read it.`,
      );
    case 404:
      return fail(
        'model_not_found',
        `There is no local folder "${model}", and ${endpoint} does not have that model or revision. Check the spelling at ${page}.`,
      );
    case 429:
      return fail('network', `${endpoint} is limiting requests (429). Wait some minutes, or set HF_TOKEN.`);
    default:
      return fail(
        'network',
        `${endpoint} answered with status ${status}. Try again later, or set HF_ENDPOINT to a mirror.`,
      );
  }
  const cause = messageOf(error instanceof Error && error.cause ? error.cause : error);
  const through = proxy ? ` through the proxy ${proxy}` : '';
  return fail(
    'network',
    `There is no local folder "${model}", and ${endpoint} could not be reached${through} (${cause}). Check the spelling and the connection, or set HF_ENDPOINT to a mirror.`,
  );
}
