/**
 * What a container format provides: frames in, the bytes of a file out. One file per container implements it.
 * Files are small (megabytes), so they are made in memory and written at once: a half-written file cannot be seen.
 */
import { throwIfAborted } from '../errors.ts';
import type { Frames } from './frames.ts';

/** What a format can hold. */
export interface FormatLimits {
  /** The most pixels in height or width. */
  readonly side: number;
  /** Frames per second of clips, and why no others; absent where times are not kept. */
  readonly rates?: { readonly least: number; readonly most: number; readonly why: string };
}

/** A container format that frames can be saved as. */
export interface VideoFormat {
  readonly limits: FormatLimits;
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
