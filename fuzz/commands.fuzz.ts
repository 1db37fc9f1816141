/**
 * The built command line in processes of its own: wrong arguments end with exit code 1 or 2 and an explanation; what is
 * taken ends with 0. Results of runs go to a folder that is looked through for half-written files.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { assertOwnWords, fuzz } from './harness.ts';
import { awkwardNumber, awkwardText, changedText } from './inputs.ts';

const program = resolve('dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'quantcache-fuzz-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const home = join(folder, 'home');

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs the program; the harness ends what takes too long. */
function run(args: readonly string[]): Promise<Outcome> {
  return new Promise((done, fail) => {
    const env = { ...process.env, NO_COLOR: '1', HF_HUB_OFFLINE: '1', QUANTCACHE_HOME: home };
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stderr }));
  });
}

async function check(args: readonly string[]): Promise<void> {
  const { code, signal, stderr } = await run(args);
  const shown = `${JSON.stringify(args).slice(0, 300)}: ${stderr.slice(0, 600)}`;
  if (signal !== null || code === null || ![0, 1, 2].includes(code))
    throw new Error(`ended by ${signal ?? code} ${shown}`);
  assertOwnWords(stderr);
  if (code > 0 && !/\berror: |Usage:/.test(stderr)) throw new Error(`exit code ${code} without a word ${shown}`);
  const left = readdirSync(folder).filter((name) => /\.tmp$/.test(name));
  if (left.length > 0) throw new Error(`left ${left.join(', ')} behind ${shown}`);
}

// No process can be given a zero byte in an argument.
const argument = fc
  .oneof(awkwardText, awkwardNumber.map(String))
  .map((text) => text.replaceAll('\0', '').slice(0, 2000));

const options: Readonly<Record<string, readonly string[]>> = {
  generate: [
    '--steps', '--guidance', '--seed', '--loops', '--image', '--policy', '--policy-option', '--profile', '--precision',
    '--size', '--resolution', '--aspect', '--frames', '--duration', '--fps', '--threads', '--device', '--model', '--vae',
    '--text-encoder', '--mask-strategy', '--aesthetic-score', '--motion-score', '--camera-motion', '--cache-memory', '--from',
  ],
  inspect: ['--trace', '--size', '--model', '--frames', '--out'],
  policies: ['--json'],
  calibrate: ['--quality', '--steps', '--model', '--speedup'],
}; // biome-ignore format: tables

const small = ['-o', 'clip.mp4', '--quiet', '--steps', '1', '--size', '16x16', '--frames', '1'];
const prompt = 'a large red star moves right over a blue background';
/** What comes before the generated arguments: a run that is over soon, or cannot begin. */
const first: Readonly<Record<string, readonly string[]>> = {
  generate: [prompt, ...small],
  calibrate: ['--prompts-from', 'missing.txt'],
};

const commandLine = fc
  .constantFrom('generate', 'generate', 'generate', 'inspect', 'policies', 'calibrate')
  .chain((command) =>
    fc
      .array(fc.tuple(fc.constantFrom(...options[command]!), argument), { minLength: 1, maxLength: 2 })
      .map((given) => [command, ...(first[command] ?? []), ...given.flat()]),
  );
fuzz('options of commands', commandLine, check, { runs: 60 });

fuzz('words of the command line', fc.array(argument, { maxLength: 3 }), check);

fuzz('rows on the command line', changedText('full#1', 'static@w8a8:every=2'), (rows) =>
  check(['bench', '--policies', rows.replaceAll('\0', '').slice(0, 500), '--prompts', '0']),
);

fuzz('prompts on the command line', argument, (text) => check(['generate', ...small, '--', text]), {
  cases: ['一只红色的星星向右移动', '{}', '|0|', '-1'],
});
