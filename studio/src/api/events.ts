/** The server's event stream. The browser connects anew by itself and says what it saw last. */
import type { ServerEvent } from './types.ts';

/** Every type of event; a record, so that the compiler notices one that is missing. */
const types: Record<ServerEvent['type'], true> = {
  snapshot: true,
  queued: true,
  started: true,
  progress: true,
  preview: true,
  warning: true,
  completed: true,
  failed: true,
  deleted: true,
};

/** Who listens to the stream. */
export interface EventListener {
  event(event: ServerEvent): void;
  /** The connection came or went. */
  connected(is: boolean): void;
}

/** Listens to all videos until the returned function is called. */
export function listen({ event, connected }: EventListener): () => void {
  const source = new EventSource('v1/events');
  source.addEventListener('open', () => connected(true));
  source.addEventListener('error', () => connected(false));
  for (const type of Object.keys(types))
    source.addEventListener(type, (message) => {
      const data = JSON.parse((message as MessageEvent<string>).data) as object;
      event({ ...data, type } as ServerEvent);
    });
  return () => source.close();
}
