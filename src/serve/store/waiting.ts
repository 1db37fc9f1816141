/** The jobs that wait, in the order in which they will run: by priority, then by age. */
import type { Job } from '../job.ts';

/** Negative where `a` runs before `b`. */
const compare = (a: Job, b: Job): number =>
  b.priority - a.priority || a.createdAt - b.createdAt || a.id.localeCompare(b.id);

export interface WaitingList {
  readonly jobs: readonly Job[];
  add(job: Job): void;
  /** Takes the first one out. */
  take(): Job | undefined;
  remove(job: Job): void;
  /** 1 for the first; undefined for those that do not wait. */
  position(job: Job): number | undefined;
}

export function createWaitingList(): WaitingList {
  const jobs: Job[] = [];
  /** Where a job stands or would stand. */
  const place = (job: Job): number => {
    let [low, high] = [0, jobs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(jobs[middle]!, job) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const find = (job: Job): number | undefined => {
    const index = place(job);
    return jobs[index]?.id === job.id ? index : undefined;
  };
  return {
    jobs,
    add: (job) => void jobs.splice(place(job), 0, job),
    take: () => jobs.shift(),
    remove(job) {
      const index = find(job);
      if (index !== undefined) jobs.splice(index, 1);
    },
    position(job) {
      const index = find(job);
      return index === undefined ? undefined : index + 1;
    },
  };
}
