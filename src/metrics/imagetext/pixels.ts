/**
 * From a picture to what a CLIP vision model takes, as `preprocessor_config.json` says: the shorter side resized (bicubic,
 * as Pillow), the centre cut out, bytes scaled and normalised. Reference: transformers, `CLIPImageProcessor`.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import { issuesOf } from '../../refusals.ts';
import { type Picture, resizeBicubic } from '../../video/resample.ts';

/** Pixels; no CLIP takes nearly as many. */
const size = z.int().positive().max(4096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const deviations = channels.refine((values) => values.every((value) => value > 0), 'must be positive');

/** The steps are those of every CLIP; a config that leaves one out describes another model and is refused. */
const schema = z.object({
  size: z.union([size, z.object({ shortest_edge: size }).transform(({ shortest_edge }) => shortest_edge)]),
  crop_size: z.union([
    size.transform((edge) => ({ height: edge, width: edge })),
    z.object({ height: size, width: size }),
  ]),
  image_mean: channels,
  image_std: deviations,
  rescale_factor: z.number().default(1 / 255),
  resample: z.literal(3).default(3),
  do_resize: z.literal(true).default(true),
  do_center_crop: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
});

/** How pictures are prepared. */
export type PixelConfig = z.output<typeof schema>;

/** Reads a `preprocessor_config.json`; throws `unsupported_format` for anything that is not CLIP's. */
export function parsePixelConfig(json: unknown): PixelConfig {
  const result = schema.safeParse(json);
  const problem = result.success
    ? Math.max(result.data.crop_size.height, result.data.crop_size.width) > result.data.size && 'crop_size exceeds size'
    : issuesOf(result.error);
  if (!problem) return result.data!;
  throw new QuantCacheError(
    'unsupported_format',
    `The preprocessor_config.json is not that of a CLIP model. ${problem}.`,
  );
}

/** Pixel values `[1, 3, height, width]` of a picture. */
export function pixelValues(picture: Picture, config: PixelConfig): { data: Float32Array; dims: number[] } {
  const { height, width } = config.crop_size;
  const shorter = Math.min(picture.width, picture.height);
  const resized = (side: number) => (side === shorter ? config.size : Math.trunc((config.size * side) / shorter));
  const whole = resizeBicubic(picture, resized(picture.width), resized(picture.height));
  const [left, top] = [Math.floor((whole.width - width) / 2), Math.floor((whole.height - height) / 2)];
  const data = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const [mean, deviation] = [config.image_mean[channel]!, config.image_std[channel]!];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const byte = whole.data[((top + y) * whole.width + left + x) * 3 + channel]!;
        data[(channel * height + y) * width + x] = (byte * config.rescale_factor - mean) / deviation;
      }
  }
  return { data, dims: [1, 3, height, width] };
}
