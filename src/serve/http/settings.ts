/** What a server allows, and to whom. */
import type { Keep } from '../retention.ts';

export interface ServeSettings {
  /** Keys that clients must send one of; none are needed where there are none. */
  readonly keys: readonly string[];
  /** Names beside localhost under which the server is reached, with a port where it is not the server's own. */
  readonly allowHosts: readonly string[];
  /** Pages of other servers that may use this one, such as https://example.org. */
  readonly allowOrigins: readonly string[];
  /** Further names of the model. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly fitsSize: boolean;
  /** Jobs that may wait, of all and of one key. */
  readonly maxQueue: number;
  readonly maxWaitingOfKey: number;
  readonly createsPerMinute: number;
  readonly maxStreams: number;
  readonly maxUploadBytes: number;
  /** Milliseconds that a client has to send a request. */
  readonly bodyPatience: number;
  /** For how long files are kept. */
  readonly keep: Keep;
}

export const defaultSettings: ServeSettings = {
  keys: [],
  allowHosts: [],
  allowOrigins: [],
  aliases: new Map(),
  fitsSize: false,
  maxQueue: 100,
  maxWaitingOfKey: 10,
  createsPerMinute: 60,
  maxStreams: 20,
  maxUploadBytes: 20 * 2 ** 20,
  bodyPatience: 30_000,
  keep: {},
};
