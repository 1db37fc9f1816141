/** The server's event stream, opened anew where it ends; the browser says what it saw last. */
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

/** How long to wait where the server refused the stream, which browsers take for its end. */
const againMilliseconds = 3000;

/** Listens to all videos until the returned function is called. */
export function listen(listener: EventListener): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout>;
  const open = () => {
    source = openSource(listener);
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, againMilliseconds);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

function openSource({ event, connected }: EventListener): EventSource {
  const source = new EventSource('v1/events');
  source.addEventListener('open', () => connected(true));
  source.addEventListener('error', () => connected(false));
  for (const type of Object.keys(types))
    source.addEventListener(type, (message) => {
      const data = JSON.parse((message as MessageEvent<string>).data) as object;
      event({ ...data, type } as ServerEvent);
    });
  return source;
}
