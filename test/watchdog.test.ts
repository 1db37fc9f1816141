/** A process that hangs in a library ends when its time is up, and with its parent. Runs the built program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const watchdog = JSON.stringify(pathToFileURL('dist/cli/watchdog.js').href);
/** Says its number, then lets nothing else run. */
const hanging = (milliseconds: number) => `
  const { watchOver } = await import(${watchdog});
  watchOver(${milliseconds});
  fs.writeSync(1, process.pid + '\\n');
  for (;;);`;
const start = (script: string) =>
  spawn(process.execPath, ['--input-type=module', '-e', `import fs from 'node:fs';${script}`]);

test('when the time is up', async () => {
  const [, signal] = await once(start(hanging(300)), 'exit');
  expect(signal).toBe('SIGKILL');
});

test.skipIf(process.platform === 'win32')('with its parent', async () => {
  const parent = start(`
    const { spawn } = await import('node:child_process');
    const script = ${JSON.stringify(`import fs from 'node:fs';${hanging(600_000)}`)};
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });`);
  const child = Number((await once(parent.stdout, 'data'))[0]);
  const isAlive = () => {
    try {
      return process.kill(child, 0);
    } catch {
      return false;
    }
  };
  expect(isAlive()).toBe(true);
  parent.kill('SIGKILL');
  while (isAlive()) await new Promise((next) => setTimeout(next, 50));
});
