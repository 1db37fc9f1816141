/**
 * What a container format provides: frames in, the bytes of a file out. One file per container implements it.
 * Files are small (megabytes), so they are made in memory and written at once: a half-written file cannot be seen.
 */
import { throwIfAborted } from '../errors.ts';
import type { Frames } from './frames.ts';

/** A container format that frames can be saved as. */
export interface VideoFormat {
  /** Throws `missing_peer` if an optional package that this format needs is not installed. */
  readonly prepare?: () => Promise<void>;
  /** Encodes all frames with `comment` (JSON text) embedded; stops with `aborted` between frames. */
  readonly encode: (frames: Frames, comment: string, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** Lets the event loop run, so that Ctrl-C arrives during a synchronous encoder; throws `aborted` if the signal fired. */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  throwIfAborted(signal);
}
