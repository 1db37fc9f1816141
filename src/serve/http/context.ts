/** What the routes work with. */
import type { EngineOffer } from '../engine/messages.ts';
import type { JobQueue } from '../queue.ts';
import type { ServeSettings } from './settings.ts';

export interface ServeContext {
  readonly queue: JobQueue;
  /** What the model offers; waits until the first engine has opened it. */
  readonly offer: () => Promise<EngineOffer>;
  /** Whether the model is open. */
  readonly isReady: () => boolean;
  readonly settings: ServeSettings;
  /** A token that opens one session of the studio. */
  readonly studioToken?: string;
  /** Engines that ended without being told to. */
  readonly crashes: () => number;
}

/** What the middleware says of a request. */
export interface RequestVariables {
  Variables: {
    /** Who asks, as a hash. */
    owner: string;
    requestId: string;
  };
}
