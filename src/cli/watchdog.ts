/**
 * Ends a process that may hang in a library: where its time is up, and where its parent is gone. Its own thread sees to it,
 * because nothing else of a process runs while native code does.
 */
import { Worker } from 'node:worker_threads';

/** Milliseconds between two looks. */
const pollMilliseconds = 200;

/** From now on, ends this process as soon as it has another parent than now, or when the time is up. */
export function watchOver(milliseconds: number): void {
  const script = `const end = Date.now() + ${milliseconds};
    setInterval(() => {
      if (process.ppid !== ${process.ppid} || Date.now() > end) process.kill(process.pid, 'SIGKILL');
    }, ${pollMilliseconds});`;
  new Worker(script, { eval: true }).unref();
}
