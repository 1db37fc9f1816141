/** What tests of benchmarks share. */
import type { Geometry } from '../index.ts';

/** The demo model's own clips. */
export const demoGeometry: Geometry = {
  height: 64,
  width: 64,
  numFrames: 17,
  fps: 8,
  latent: { channels: 4, frames: 5, height: 16, width: 16 },
};
