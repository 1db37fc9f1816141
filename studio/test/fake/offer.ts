/** What the fake server says it can do: the embedded model's limits. */
import type { Capabilities } from '../../src/api/types.ts';

const fitted = { size: '64x64', num_frames: 17, steps: [30] };

export const capabilities: Capabilities = {
  version: '0.1.0',
  models: [
    {
      id: 'demo',
      object: 'model',
      created: 1_764_000_000,
      owned_by: 'quantcache',
      quantcache: {
        sizes: ['64x64', '96x64', '64x96', '128x128'],
        default_frames: 17,
        default_fps: 8,
        default_steps: 30,
        default_guidance_scale: 4,
        fps: { min: 0.1, max: 1000 },
        max_frames: 102,
        frame_multiple: 17,
        profiles: [
          { name: 'quality', target_quality: 42, quality: 48.1, speedup: 5.6, ...fitted },
          { name: 'balanced', target_quality: 39, quality: 38.5, speedup: 9, ...fitted },
          { name: 'fast', target_quality: 37.8, quality: 32.5, speedup: 12.6, ...fitted },
          { name: 'steps-5', target_quality: null, quality: null, speedup: null, ...fitted },
        ],
        samplers: ['euler', 'unipc', 'dpm-solver++'],
        precisions: ['fp32', 'w8a8', 'w4a8'],
        negative_prompt: true,
        input_reference: true,
        previews: true,
        limits: {
          min_side: 16,
          max_side: 512,
          max_area: 262_144,
          max_pixels: 4_000_000,
          max_steps: 200,
          max_guidance_scale: 30,
        },
      },
    },
  ],
  policies: [{ name: 'full', description: 'computes everything', options: [] }],
  output_formats: ['mp4', 'webm', 'gif', 'webp'],
  limits: { max_prompt_characters: 4096, max_upload_bytes: 20_000_000, max_queue: 100 },
};
