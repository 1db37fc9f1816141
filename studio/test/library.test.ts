/** What the page knows of videos, when answers and events cross. */
import { expect, test } from 'vitest';
import type { Video } from '../src/api/types.ts';
import { apply, putAnswer, videoOf } from '../src/state/library.ts';

const videoIn = (status: Video['status'], attempt: number) =>
  ({ id: 'video_a', status, prompt: 'a star', created_at: 1, progress: 0, quantcache: { attempt } }) as Video;
const known = () => [videoOf('video_a')?.status, videoOf('video_a')?.quantcache.attempt];

test('an answer that events have overtaken changes nothing', () => {
  apply({ type: 'started', id: 'video_a', video: videoIn('in_progress', 1) } as Parameters<typeof apply>[0]);
  putAnswer(videoIn('queued', 0));
  expect(known()).toEqual(['in_progress', 1]);
});

test('what is retried waits again', () => {
  apply({
    type: 'failed',
    id: 'video_a',
    video: { ...videoIn('failed', 2), error: { code: 'io', message: '' } },
  } as Parameters<typeof apply>[0]);
  putAnswer(videoIn('queued', 0));
  expect(known()).toEqual(['queued', 0]);
});
