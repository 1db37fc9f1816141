import { expect, test } from 'vitest';
import { threadPool } from './threads.ts';

/** A pool whose sessions count how many threads are open, and how often each was opened. */
function watched(budget: number) {
  const pool = threadPool<{ name: string; release(): Promise<void> }>(budget);
  const log = { open: 0, most: 0, opened: [] as string[] };
  const add = (name: string, threads: number) =>
    pool.add(threads, async () => {
      log.open += threads - 1;
      log.most = Math.max(log.most, log.open);
      log.opened.push(name);
      return {
        name,
        async release() {
          log.open -= threads - 1;
        },
      };
    });
  return { log, add };
}

test('open sessions never have more threads than the budget, and all run', async () => {
  const { log, add } = watched(6);
  const sessions = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => add(name, 3)));
  for (let round = 0; round < 4; round++)
    expect(await Promise.all(sessions.map((one) => one.use(async ({ name }) => name)))).toHaveLength(5);
  for (const [i, session] of sessions.entries()) expect(await session.use(async ({ name }) => name)).toBe('abcde'[i]);
  for (const session of sessions) await session.dispose();
  expect(log.open).toBe(0);
});

test('one after the other, most of a round stays open', async () => {
  const { log, add } = watched(8);
  const names = Array.from('abcdefghij');
  const sessions = [];
  for (const name of names) sessions.push(await add(name, 2));
  const before = log.opened.length;
  const rounds = 10;
  for (let round = 0; round < rounds; round++) for (const session of sessions) await session.use(async () => {});
  expect(log.most).toBe(8);
  expect((log.opened.length - before) / rounds).toBeLessThan(names.length / 2);
});

test('a session that needs no threads of its own closes nothing', async () => {
  const { log, add } = watched(2);
  await add('large', 3);
  for (const name of ['a', 'b', 'c']) await add(name, 1);
  expect(log.opened).toEqual(['large', 'a', 'b', 'c']);
  expect(log.open).toBe(2);
});

test('what no turn needs any more goes first', async () => {
  const { log, add } = watched(3);
  const old = await add('old', 2);
  await old.use(async () => {});
  const [a, b] = [await add('a', 2), await add('b', 2)];
  for (let i = 0; i < 8; i++) for (const session of [a, b]) await session.use(async () => {});
  await add('new', 2);
  log.opened.length = 0;
  for (const session of [a, b]) await session.use(async () => {});
  expect(log.opened).toEqual([]);
  await old.use(async () => {});
  expect(log.opened).toEqual(['old']);
});
