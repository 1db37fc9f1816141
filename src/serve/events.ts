/** What happens to jobs, told to whoever listens; the last ones are remembered for listeners that lost their connection. */
import type { JobEvent, QueueEvent } from './queue.ts';

/** Events that are remembered. */
const remembered = 1000;

export interface EventLog {
  /** Tells it; without a number it gets the next one. */
  publish(event: JobEvent, number?: number): void;
  subscribe(listener: (event: QueueEvent) => void, after?: number): () => void;
}

/** A log whose numbers begin after those of earlier processes, so that no client takes new events for old ones. */
export function createEventLog(first = Date.now()): EventLog {
  const listeners = new Set<(event: QueueEvent) => void>();
  const events: QueueEvent[] = [];
  let number = first;
  return {
    publish(told, given = number + 1) {
      number = given;
      const event = { ...told, number };
      events.push(event);
      if (events.length > remembered) events.shift();
      for (const listener of listeners) listener(event);
    },
    subscribe(listener, after) {
      if (after !== undefined) for (const event of events) if (event.number > after) listener(event);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
