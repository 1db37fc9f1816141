/** Ids from outside: what is none never becomes a path. */
import { expect, test } from 'vitest';
import { folderOf } from './folders.ts';
import { jobIdOf, videoIdOf } from './video.ts';

const job = '0123456789abcdef'.repeat(2);

test('the id of a video names a job, and nothing else does', () => {
  expect(jobIdOf(videoIdOf(job))).toBe(job);
  for (const id of ['', job, 'video_', 'video_..', `video_${job}/..`, `video_${job.toUpperCase()}`, `x video_${job}`])
    expect(jobIdOf(id)).toBeUndefined();
});

test('the folder of a job is made of an id only', () => {
  expect(folderOf('/data', job)).toBe(`/data/${job}`);
  for (const id of ['', '..', `../${job}`, `${job}/..`, job.slice(1)])
    expect(() => folderOf('/data', id)).toThrow('no id of a job');
});
