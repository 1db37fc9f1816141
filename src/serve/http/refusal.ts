/** A refused request: what was wrong, as an HTTP status and a code that clients know. */
import type { ErrorBody } from '../api.ts';

/** Statuses that the API answers with, beside 200. Clients try again after 408, 409, 429 and 500 or more. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 415 | 416 | 429 | 500 | 503;

export interface RefusalDetails {
  /** The field that was wrong. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that cannot be done, as it will be answered. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  readonly code: string;
  readonly param: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: RefusalStatus, code: string, message: string, { param, headers = {} }: RefusalDetails = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.headers = headers;
  }

  get body(): ErrorBody {
    const { message, param = null, code } = this;
    return { error: { message, type: typeOf(this.status), param, code } };
  }
}

function typeOf(status: RefusalStatus): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

export const notFound = (what = 'There is no such video.'): Refusal => new Refusal(404, 'not_found', what);

/** A conflict that will not go away by itself: clients are told not to try again. */
export const conflict = (code: string, message: string): Refusal =>
  new Refusal(409, code, message, { headers: { 'x-should-retry': 'false' } });
