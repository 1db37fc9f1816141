/**
 * Resident memory of this process, anonymous and mapped apart, sampled by a thread of its own because a graph that runs holds up
 * this one. Peaks shorter than a sample are missed. On Linux only: elsewhere the two are not told apart.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** Bytes. Mapped are pages of files, such as weights, which the system takes back where it needs them. */
export interface Resident {
  readonly anonymous: number;
  readonly mapped: number;
}

export interface ResidentWatch extends Disposable {
  /** The largest since it was last asked; undefined where the system does not tell. */
  peak(): Resident | undefined;
}

const status = '/proc/self/status';
const milliseconds = 10;

/** Runs in the thread: keeps the largest of both, in kB. */
const program = `
  const { readFileSync } = require('node:fs');
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    const text = readFileSync('${status}', 'utf8');
    for (const [i, name] of ['RssAnon', 'RssFile'].entries()) {
      const now = Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(text)[1]);
      if (now > Atomics.load(workerData, i)) Atomics.store(workerData, i, now);
    }
  }, ${milliseconds});`;

/** Begins to watch. */
export function watchResident(): ResidentWatch {
  const present = residentNow();
  const peaks = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const worker = present && new Worker(program, { eval: true, workerData: peaks });
  worker?.unref();
  return {
    peak() {
      const now = residentNow();
      const [anonymous, mapped] = [0, 1].map((i) => Atomics.exchange(peaks, i, 0) * 1024) as [number, number];
      return now && { anonymous: Math.max(anonymous, now.anonymous), mapped: Math.max(mapped, now.mapped) };
    },
    [Symbol.dispose]() {
      worker?.terminate();
    },
  };
}

function residentNow(): Resident | undefined {
  try {
    const text = readFileSync(status, 'utf8');
    const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)![1]) * 1024;
    return { anonymous: bytes('RssAnon'), mapped: bytes('RssFile') };
  } catch {
    return undefined;
  }
}
