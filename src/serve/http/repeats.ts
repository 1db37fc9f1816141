/**
 * Requests that are sent again: clients try again after failures of the network, also where the first one had arrived. They
 * say that it is a repetition, but mostly not of what; an equal body of the same client within a minute is taken for it.
 */
import { createHash } from 'node:crypto';

const remembered = 60_000;

export interface Repeats {
  /** The job that an equal request made a short while ago. */
  find(owner: string, body: unknown): string | undefined;
  remember(owner: string, body: unknown, job: string): void;
}

export function createRepeats(now: () => number = Date.now): Repeats {
  const jobs = new Map<string, { readonly job: string; readonly time: number }>();
  const keyOf = (owner: string, body: unknown) =>
    createHash('sha256')
      .update(owner)
      .update(JSON.stringify(body, (_, value) => (value instanceof Uint8Array ? hashOf(value) : value)))
      .digest('hex');
  return {
    find(owner, body) {
      const known = jobs.get(keyOf(owner, body));
      return known && now() - known.time <= remembered ? known.job : undefined;
    },
    remember(owner, body, job) {
      for (const [key, { time }] of jobs) {
        if (now() - time <= remembered) break; // they are in the order of time
        jobs.delete(key);
      }
      const key = keyOf(owner, body);
      jobs.delete(key);
      jobs.set(key, { job, time: now() });
    },
  };
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
