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
  | 'network' // the hub could not be reached or refused
  | 'io' // reading or writing a file failed
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

/** The process exit code for an error: 2 wrong usage, 130 interrupted, 1 anything else. */
export function exitCode(error: unknown): number {
  if (!(error instanceof QuantCacheError)) return 1;
  if (error.code === 'aborted') return 130;
  return usageCodes.has(error.code) ? 2 : 1;
}

/** Throws `aborted` if the signal has fired; call it between units of work. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new QuantCacheError('aborted', 'The run was stopped before it finished.', { cause: signal.reason });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
