/** Jobs as videos, with what only the queue knows: the place of those that wait, and how long that may take. */
import type { Video } from '../api.ts';
import type { Job } from '../job.ts';
import type { JobQueue } from '../queue.ts';
import { videoOf } from '../video.ts';

export interface Shows {
  video(job: Job): Promise<Video>;
  videos(jobs: readonly Job[]): Promise<Video[]>;
}

export function createShows(queue: JobQueue, keep: number | undefined): Shows {
  const seconds = recentSeconds(queue);
  const show = async (job: Job): Promise<Video> => {
    if (job.state !== 'queued') return videoOf(job, { keep });
    const position = await queue.position(job.id);
    const each = seconds();
    const wait =
      position === undefined || each === undefined ? undefined : Math.round(10 * each * (position + 0.5)) / 10;
    return videoOf(job, { position, wait, keep });
  };
  return { video: show, videos: (jobs) => Promise.all(jobs.map(show)) };
}

/** Seconds that the last jobs took, in the middle; undefined before the first has ended. */
function recentSeconds(queue: JobQueue): () => number | undefined {
  const last: number[] = [];
  queue.subscribe((event) => {
    if (event.type !== 'completed') return;
    last.push((event.job.completedAt! - event.job.startedAt!) / 1000);
    if (last.length > 9) last.shift();
  });
  return () => [...last].sort((a, b) => a - b)[last.length >> 1];
}
