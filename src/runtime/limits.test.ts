import { expect, test } from 'vitest';
import { checkThreads, type System, threadBudget, threadsOf } from './limits.ts';

/** A system of some files; `/proc` lists the processes among them. */
const system = (files: Readonly<Record<string, string>>): System => ({
  read(path) {
    if (files[path] === undefined) throw new Error(`no ${path}`);
    return files[path];
  },
  list: () => Object.keys(files).flatMap((path) => /^\/proc\/(\w+)\/status$/.exec(path)?.[1] ?? []),
});
const status = (uid: number, threads: number) => `Name:\tnode\nUid:\t${uid}\t0\t0\t0\nThreads:\t${threads}\n`;
const limits = (count: number | string) =>
  `Limit   Soft Limit   Hard Limit\nMax processes   ${count}   ${count}   processes\n`;

test('a system that says nothing leaves as many as there should be', () => {
  expect(threadBudget(system({}))).toBe(120);
  const free = { '/proc/self/limits': limits('unlimited'), '/proc/self/status': status(7, 1) };
  expect(threadBudget(system(free))).toBe(120);
});

test('a user’s limit counts the threads of all of the user’s processes; the superuser has none', () => {
  const files = (uid: number) => ({
    '/proc/self/limits': limits(60),
    '/proc/self/status': status(uid, 11),
    '/proc/12/status': status(uid, 11),
    '/proc/13/status': status(uid, 9),
    '/proc/14/status': status(99, 500),
  });
  expect(threadBudget(system(files(7)))).toBe(60 - 11 - 9 - 8);
  expect(threadBudget(system(files(0)))).toBe(120);
});

test('so does a container’s', () => {
  const files = {
    '/proc/self/cgroup': '0::/box\n',
    '/sys/fs/cgroup/box/pids.max': '100\n',
    '/sys/fs/cgroup/box/pids.current': '30\n',
    '/sys/fs/cgroup/pids.max': 'max\n',
    '/sys/fs/cgroup/pids.current': '400\n',
  };
  expect(threadBudget(system(files))).toBe(100 - 30 - 8);
});

test('what cannot be had is an error that says what can', () => {
  checkThreads(1, 0);
  checkThreads(13, 12);
  expect(() => checkThreads(32, 12)).toThrow(/32 threads starts 31 more.*leaves this process 12.*--threads 13/);
  expect(() => checkThreads(2, -3)).toThrow(/leaves this process 0.*--threads 1,/);
});

test('many small sessions take a few threads each, and no session more than 32', () => {
  expect([1, 2, 4, 64].map((asked) => threadsOf(asked, 'small'))).toEqual([1, 2, 4, 4]);
  expect([1, 8, 64].map((asked) => threadsOf(asked, 'large'))).toEqual([1, 8, 32]);
});
