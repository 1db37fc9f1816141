/**
 * The one error class of the project. Every failure a user can cause or meet is one of these codes, the same in the
 * library, on the command line (exit code) and in JSON. A message says what was given, what is allowed, what to do next.
 */

/** What went wrong, as a closed list that programs may switch on. */
export type ErrorCode =
  | 'invalid_option' // an option's value or combination is not allowed
  | 'model_not_found' // no such folder, hub repository or file
  | 'weights_mismatch' // tensors missing, extra or misshapen
  | 'corrupt_file' // a file is not what it claims to be
  | 'unsupported_format' // a format, dtype or file extension we do not read or write
  | 'unsupported_precision' // the backend does not run this precision
  | 'backend_unavailable' // the backend cannot start on this machine
  | 'missing_peer' // an optional package is not installed
  | 'network' // the hub or a server could not be reached, refused or failed
  | 'io' // reading or writing a file failed
  | 'out_of_memory' // less memory than a run needs
  | 'not_finite' // NaN or infinity where numbers are needed
  | 'target_missed' // calibration found nothing that reaches what was asked for
  | 'verification_failed' // a result differs from its reference
  | 'aborted'; // the caller's AbortSignal or Ctrl-C

/** Codes that mean the command was used wrongly (exit code 2); all others are failures of the run (exit code 1). */
const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_option',
  'unsupported_format',
  'unsupported_precision',
]);

/** An error with a code that programs can act on and a message that people can act on. */
export class QuantCacheError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'QuantCacheError';
    this.code = code;
  }
}

/**
 * What went wrong first: where ending something failed because of, or after, an earlier failure, `await using` throws both
 * as one error that says neither.
 */
export function originOf(error: unknown): unknown {
  // By name: Node 20 has no such class, and what compilers put there instead is a plain Error.
  const wraps = error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error;
  return wraps ? originOf(error.suppressed) : error;
}

/** The process exit code for an error: 2 wrong usage, 130 interrupted, 1 anything else. */
export function exitCode(error: unknown): number {
  const origin = originOf(error);
  if (!(origin instanceof QuantCacheError)) return 1;
  if (origin.code === 'aborted') return 130;
  return usageCodes.has(origin.code) ? 2 : 1;
}

/** Throws `aborted` if the signal has fired; call it between units of work. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new QuantCacheError('aborted', 'The run was stopped before it finished.', { cause: signal.reason });
}

/**
 * The message of anything that was thrown: of several errors in one, each; of a foreign error, its causes, too. Our own
 * errors say their cause in their message.
 */
export function messageOf(error: unknown): string {
  const origin = originOf(error);
  if (!(origin instanceof Error)) return String(origin);
  if (origin instanceof QuantCacheError) return origin.message;
  const inner = origin instanceof AggregateError ? origin.errors : origin.cause === undefined ? [] : [origin.cause];
  const causes = [...new Set(inner.map(messageOf))].filter((cause) => cause && !origin.message.includes(cause));
  if (!origin.message) return causes.join('; ') || origin.name;
  return causes.length > 0 ? `${origin.message} (${causes.join('; ')})` : origin.message;
}
