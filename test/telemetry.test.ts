/** ONNX Runtime under the engine sends no telemetry: it leaves no file in the user's cache and asks for no address. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from './layers.ts';

const folder = temporaryFolder();
const engine = pathToFileURL(resolve('dist/index.js')).href;
/** Telemetry writes its files when the first session is made, and speaks up soon after. */
const script = `const { createRuntime } = await import('${engine}');
await createRuntime({ threads: 1 });
await new Promise((done) => setTimeout(done, 1500));`;
const environment = { PATH: process.env.PATH, HOME: folder };
const command = [process.execPath, '--input-type=module', '--eval', script] as const;
const hasStrace = spawnSync('strace', ['-V']).status === 0;

beforeAll(() => void readFileSync('dist/index.js')); // made by "npm run build"

test('no file appears in the user’s folder', () => {
  execFileSync(command[0], command.slice(1), { env: environment });
  expect(readdirSync(folder, { recursive: true })).toEqual([]);
});

test.skipIf(!hasStrace)('no address is looked up and no connection is made', () => {
  const log = join(folder, 'network.log');
  execFileSync('strace', ['-f', '-e', 'trace=connect,sendto', '-o', log, ...command], { env: environment });
  const calls = readFileSync(log, 'utf8');
  expect(calls).toMatch(/exited with 0/);
  expect(calls).not.toMatch(/AF_INET|AF_UNIX.*nscd/);
});
