/**
 * The arguments of the command, also when they are very long. ONNX Runtime 1.30 crashes the process at its first session
 * when the process's command line exceeds 32 KiB, so a long one is run in a child that gets it as a message.
 *
 * The child ends with its parent, however that ends: their channel closes, which the child takes as a request to stop.
 */
import { fork } from 'node:child_process';
import { constants } from 'node:os';

/** Characters of a command line that are safe, with room for the paths in front of the arguments. */
const longest = 16_384;
const fromParent = '--arguments-by-message';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The arguments to parse, or the exit code of the child that has dealt with them. */
export async function receiveArguments(): Promise<readonly string[] | number> {
  const given = process.argv.slice(2);
  if (given[0] === fromParent && process.send) return await receiveFromParent();
  if (Buffer.byteLength(given.join(' ')) <= longest) return given;
  // A group of its own: Ctrl-C then reaches the parent alone, which passes it on once; a second one means "at once".
  const child = fork(process.argv[1]!, [fromParent], { stdio: 'inherit', detached: process.platform !== 'win32' });
  child.send(given);
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))),
  );
}

/** Lets a child that has done its work end: the open channel to its parent would keep it. */
export function releaseParent(): void {
  process.removeListener('disconnect', endWithParent);
  if (process.connected) process.disconnect();
}

function receiveFromParent(): Promise<readonly string[]> {
  process.once('disconnect', endWithParent);
  return new Promise((resolve) => process.once('message', (message) => resolve(message as string[])));
}

/** Stops as on a termination request, which leaves no half-written file. */
function endWithParent(): void {
  process.kill(process.pid, 'SIGTERM');
}
