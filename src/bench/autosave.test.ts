import { expect, test, vi } from 'vitest';
import { autosave } from './autosave.ts';

test('versions are saved now and then, and the last one in any case', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const saved: number[] = [];
  const work = async () => {
    await using saving = autosave(async (version: number) => void saved.push(version), 100);
    await saving.take(1);
    vi.advanceTimersByTime(60);
    await saving.take(2);
    vi.advanceTimersByTime(60);
    await saving.take(3);
    await saving.take(4);
    throw new Error('stopped');
  };
  await expect(work()).rejects.toThrow('stopped');
  vi.useRealTimers();
  expect(saved).toEqual([3, 4]);
});
