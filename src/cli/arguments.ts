/**
 * The arguments of the command, also when they are very long. ONNX Runtime 1.30 crashes the process at its first session
 * when the process's command line exceeds 32 KiB, so a long one is run in a child that gets it as a message.
 */
import { fork } from 'node:child_process';

/** Characters of a command line that are safe, with room for the paths in front of the arguments. */
const longest = 16_384;
const fromParent = '--arguments-by-message';

/** The arguments to parse, or the exit code of the child that has dealt with them. */
export async function receiveArguments(): Promise<readonly string[] | number> {
  const given = process.argv.slice(2);
  if (given[0] === fromParent && process.send)
    return new Promise((resolve) => process.once('message', (message) => resolve(message as string[])));
  if (Buffer.byteLength(given.join(' ')) <= longest) return given;
  const child = fork(process.argv[1]!, [fromParent], { stdio: 'inherit' });
  child.send(given);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
