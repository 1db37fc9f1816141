/**
 * Standard output and error when nobody reads them: a reader that left ends the talking, not the run, so that a clip that took
 * an hour is still saved. Results that stdout did not take are told by the exit code.
 */
import { writeSync } from 'node:fs';
import { systemCode } from '../files/failure.ts';

/** As of a program that SIGPIPE ended: 128 + 13. */
const readerLeft = 141;

/** From now on, failures of both streams do not end the process. */
export function keepRunningWithoutReaders(): void {
  let failure: Error | undefined;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error) => {
    failure ??= error;
  });
  process.on('exit', () => {
    if (!failure || process.exitCode) return;
    process.exitCode = systemCode(failure) === 'EPIPE' ? readerLeft : 1;
    if (process.exitCode === 1) sayLast(`error: Cannot write the results to stdout: ${failure.message}.\n`);
  });
}

/** Says something when the process ends and only what is written at once is written. */
function sayLast(text: string): void {
  try {
    writeSync(process.stderr.fd, text);
  } catch {
    // nobody reads that either
  }
}
