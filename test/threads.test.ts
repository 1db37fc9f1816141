/** However many threads are asked for, the process has at most 150: 36 modules in sessions of their own, in two precisions. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from './layers.ts';

const folder = temporaryFolder();

/** The exit code of a command, and the most threads it was seen to have. */
async function watch(...args: string[]) {
  const command = [join('dist', 'cli', 'main.js'), ...args];
  const child = spawn(process.execPath, command, { env: { ...process.env, QUANTCACHE_HOME: folder } });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  let most = 0;
  const timer = setInterval(() => {
    try {
      most = Math.max(most, readdirSync(`/proc/${child.pid}/task`).length);
    } catch {
      // It has just ended.
    }
  }, 5);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  return { code, most, stderr };
}

test.skipIf(process.platform !== 'linux')('64 threads', async () => {
  const size = ['--size', '32x32', '--frames', '1', '--steps', '3', '-q', '-o', join(folder, 'star.png')];
  const { code, most, stderr } = await watch(
    'generate',
    'a red star',
    '--threads',
    '64',
    '--policy',
    'adacache',
    ...size,
  );
  expect(code, stderr).toBe(0);
  expect(most).toBeGreaterThan(40);
  expect(most).toBeLessThanOrEqual(150);
});
