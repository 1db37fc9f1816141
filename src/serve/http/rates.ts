/** How often each client may ask for something: so many times in any minute. */
import { Refusal } from './refusal.ts';

const minute = 60_000;

/** A counter that throws `rate_limited` for one too many. */
export function createRateLimit(perMinute: number, now: () => number = Date.now): (owner: string) => void {
  const times = new Map<string, number[]>();
  return (owner) => {
    const since = now() - minute;
    const recent = (times.get(owner) ?? []).filter((time) => time > since);
    if (recent.length >= perMinute) {
      const seconds = Math.ceil((recent[0]! - since) / 1000);
      throw new Refusal(429, 'rate_limited', `${perMinute} new videos a minute are allowed; wait ${seconds} s.`, {
        headers: { 'retry-after': String(seconds) },
      });
    }
    times.set(owner, [...recent, now()]);
  };
}
