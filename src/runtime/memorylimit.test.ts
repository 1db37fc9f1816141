/** Memory limits as Linux writes them. */
import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { memoryLimit } from './memorylimit.ts';

const gigabyte = 2 ** 30;
const system = (files: Record<string, string>) => ({
  total: () => 64 * gigabyte,
  read(path: string) {
    if (path in files) return files[path]!;
    throw new Error('no such file');
  },
});
const limits = (data: string, space = 'unlimited') =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax data size             ${data}            unlimited            bytes\nMax address space         ${space}            unlimited            bytes\n`;

test.each<[string, Record<string, string>, number, RegExp]>([
  ['the machine', {}, 64, /machine/],
  [
    'a group that has none',
    { '/proc/self/cgroup': '0::/user\n', '/sys/fs/cgroup/user/memory.max': 'max\n' },
    64,
    /machine/,
  ],
  [
    'the group itself',
    { '/proc/self/cgroup': '0::/user/app\n', '/sys/fs/cgroup/user/app/memory.max': `${6 * gigabyte}\n` },
    6,
    /container/,
  ],
  [
    'a group around it',
    {
      '/proc/self/cgroup': '0::/user/app\n',
      '/sys/fs/cgroup/user/app/memory.max': `${6 * gigabyte}\n`,
      '/sys/fs/cgroup/user/memory.max': `${4 * gigabyte}\n`,
    },
    4,
    /container/,
  ],
  ['the root of a container', { '/sys/fs/cgroup/memory.max': `${3 * gigabyte}\n` }, 3, /container/],
  [
    'version 1',
    {
      '/proc/self/cgroup': '9:cpu:/x\n5:memory:/docker/a\n',
      '/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes': `${2 * gigabyte}\n`,
    },
    2,
    /container/,
  ],
  [
    'version 1 without a limit',
    { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' },
    64,
    /machine/,
  ],
  ['prlimit --data', { '/proc/self/limits': limits(String(5 * gigabyte)) }, 5, /process/],
  ['prlimit --as', { '/proc/self/limits': limits('unlimited', String(7 * gigabyte)) }, 7, /process/],
])('%s', (_, files, expected, who) => {
  const found = memoryLimit(system(files));
  expect(found.bytes / gigabyte).toBe(expected);
  expect(found.who).toMatch(who);
});

test('this system has some, and no more than the machine', () => {
  const { bytes } = memoryLimit();
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(totalmem());
});
