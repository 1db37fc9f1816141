/**
 * What every target is held to: an input is either taken, and then nothing in the result is NaN or infinite, or refused with
 * an error of ours in our own words; never a crash, never 20 seconds of the processor without an end.
 *
 * FUZZ_SEED chooses other inputs (the seed of a failure is in its message), FUZZ_RUNS makes that many times as many; a part
 * such as 0.2 makes fewer.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { test } from 'vitest';
import { QuantCacheError } from '../src/index.ts';
import { countTarget } from './total.ts';

/** The seed that CI runs with. */
const recordedSeed = 20_261_125;
const seed = Number(process.env.FUZZ_SEED ?? recordedSeed);
const factor = Number(process.env.FUZZ_RUNS ?? 1);
if (!Number.isInteger(seed) || !(factor > 0))
  throw new Error('FUZZ_SEED is a whole number, FUZZ_RUNS a number above 0');

/** No target has fewer in a run of everything. */
const leastRuns = 50;
const hangMilliseconds = 20_000;
const waitMilliseconds = 300_000;

export interface FuzzOptions<Input> {
  /** Inputs that are always tried first: those that once went wrong. */
  readonly cases?: readonly Input[];
  /** More than the least. */
  readonly runs?: number;
}

/** Declares a target. `run` may take or refuse its input; what it returns is searched for numbers. */
export function fuzz<Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  run: (input: Input) => unknown,
  { cases = [], runs = leastRuns }: FuzzOptions<Input> = {},
): void {
  test(name, async () => {
    const count = { inputs: 0, refused: 0 };
    const property = fc.asyncProperty(inputs, async (input) => {
      watch(name, input);
      count.inputs++;
      try {
        const result = await run(input);
        if (!allFinite(result)) throw new Error('the result is not finite');
      } catch (error) {
        assertExplained(error);
        count.refused++;
      } finally {
        watch(name, undefined);
      }
    });
    const examples = cases.map((example): [Input] => [example]);
    await fc.assert(property, {
      seed,
      numRuns: Math.ceil(Math.max(runs, leastRuns) * factor) + examples.length,
      examples,
    });
    // A few inputs may all be wrong by chance.
    if (factor >= 1 && count.refused === count.inputs)
      throw new Error('everything was refused, so nothing behind the first check ran');
    countTarget(count.inputs, count.refused, seed);
    writeSync(2, `${name}: ${count.inputs} inputs, ${count.refused} refused, seed ${seed}\n`);
  });
}

/** Words that only other programs' messages have: V8's, zod's, ONNX Runtime's, the operating system's bare ones. */
const foreign = [
  /Cannot (read|set) propert|Cannot (convert|mix|destructure)\b|is not (a function|iterable|defined|a constructor)\b/,
  /\bundefined\b|\[object |Invalid (array|typed array|string) length|Maximum call stack|out of (range|bounds|memory)/i,
  /Invalid (input|option|string|key|element)\b|^Too (small|big)|Unrecognized keys?/,
  /Non-zero status|ORT_|onnxruntime::|Failed to (load|find|run)|\bprotobuf\b/i,
  /Unexpected (token|end of)|in JSON at position|is not valid JSON|Expected property name/,
  /\n\s+at .*:\d+|node:internal/,
];

/** Throws unless an error is of our class and in our words. */
export function assertExplained(error: unknown): void {
  if (!(error instanceof QuantCacheError)) throw error;
  assertOwnWords(error.message);
}

export function assertOwnWords(message: string): void {
  // What is quoted is the input's own: it may be anything.
  const own = message.replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '""');
  const found = foreign.find((pattern) => pattern.test(own));
  if (found) throw new Error(`a message with foreign words (${found.source}): ${message.slice(0, 500)}`);
}

/** Whether all numbers in a result are finite; `undefined` stands for none. */
function allFinite(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null || depth > 8) return true;
  if (value instanceof Float32Array || value instanceof Float64Array) return value.every(Number.isFinite);
  if (ArrayBuffer.isView(value)) return true;
  const parts: Iterable<unknown> = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) if (!allFinite(part, depth + 1)) return false;
  return true;
}

/**
 * A second thread ends the process when an input takes too long: the first cannot, as it may be the one that hangs. What
 * counts is the processor's time, so that other work on the machine makes nothing fail; waiting for nothing ends later.
 */
const watcher = new Worker(
  `const { parentPort } = require('node:worker_threads');
   const { writeSync } = require('node:fs');
   let timer;
   parentPort.on('message', (input) => {
     clearInterval(timer);
     if (!input) return;
     const [began, before] = [Date.now(), process.cpuUsage()];
     timer = setInterval(() => {
       const { user, system } = process.cpuUsage(before);
       if ((user + system) / 1000 < ${hangMilliseconds} && Date.now() - began < ${waitMilliseconds}) return;
       writeSync(2, 'no end after ${hangMilliseconds / 1000} s: ' + input + '\\n');
       process.kill(process.pid, 'SIGKILL');
     }, 500);
   });`,
  { eval: true },
);
watcher.unref();

function watch(name: string, input: unknown): void {
  watcher.postMessage(
    input === undefined ? undefined : `${name}: ${inspect(input, { maxStringLength: 300, depth: 4 })}`,
  );
}
