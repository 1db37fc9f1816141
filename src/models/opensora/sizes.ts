/**
 * How large and how long a video is: from `--resolution 240p --aspect 16:9 --duration 2s`, or `--size 240x426 --frames 51`,
 * to pixels, latents and frames.
 *
 * Aspect ratios here are width:height, as people say them: 16:9 is landscape. Open-Sora's own configuration files write
 * height:width, so their "9:16" is our 16:9. Its last entry "50:27" holds the sizes of 25:12; we call it by its shape, 12:25.
 * The original's resolutions named by a bare number (256, 512, 1024, 2048, 2880) have no entries for these ratios and
 * need an explicit size there too; use `--size`.
 *
 * Invariants: height and width need not be multiples of 8: the model is conditioned on them as given, while the latents and
 * the decoded video are rounded down (426 pixels -> 53 latents -> 424 pixels).
 * Reference: opensora/datasets/aspect.py (v1.2); `get_latent_size` of its two VAEs.
 */

import { QuantCacheError } from '../../errors.ts';

/** Aspect ratios, width:height, in the order of the table below. */
export const aspects: readonly string[] =
  '8:3 21:9 25:12 2:1 17:9 50:27 16:9 8:5 3:2 4:3 1:1 3:4 2:3 9:16 9:17 1:2 12:25'.split(' ');

/** Height x width per resolution, one column per aspect ratio. */
const sizeTable: Readonly<Record<string, string>> = {
  '144p':
    '117x312 125x291 133x277 135x270 139x262 141x260 144x256 151x241 156x234 166x221 192x192 221x165 235x156 256x144 263x139 271x135 277x132',
  '240p':
    '196x522 210x490 222x462 226x452 232x438 236x436 240x426 252x404 262x393 276x368 320x320 370x278 392x262 426x240 440x232 452x226 462x222',
  '360p':
    '294x784 314x732 332x692 340x680 350x662 352x652 360x640 380x608 392x588 416x554 480x480 554x416 588x392 640x360 660x350 678x340 692x332',
  '480p':
    '392x1046 420x980 444x925 452x904 466x880 470x870 480x854 506x810 522x784 554x738 640x640 740x555 784x522 854x480 880x466 906x454 924x444',
  '720p':
    '588x1568 628x1466 666x1388 678x1356 698x1318 706x1306 720x1280 758x1212 784x1176 832x1110 960x960 1108x832 1176x784 1280x720 1320x698 1358x680 1386x666',
  '1080p':
    '882x2352 942x2198 998x2080 1018x2036 1048x1980 1058x1958 1080x1920 1138x1820 1176x1764 1248x1664 1440x1440 1662x1246 1764x1176 1920x1080 1980x1048 2036x1018 2078x998',
  '2k': '1176x3136 1256x2930 1330x2770 1358x2716 1398x2640 1412x2612 1440x2560 1518x2428 1568x2352 1662x2216 1920x1920 2218x1664 2352x1568 2560x1440 2638x1396 2716x1358 2772x1330',
  '4k': '1764x4704 1886x4400 1996x4158 2036x4072 2096x3960 2118x3918 2160x3840 2276x3642 2352x3528 2494x3326 2880x2880 3326x2494 3528x2352 3840x2160 3958x2096 4072x2036 4156x1994',
};

/** Names of resolutions, smallest first. */
export const resolutions: readonly string[] = Object.keys(sizeTable);

/** Frames per named duration (51 frames are 2.1 s at 24 frames per second); `1x` and so on are the original's other names. */
export const durations: Readonly<Record<string, number>> = {
  '2s': 51,
  '4s': 102,
  '8s': 204,
  '16s': 408,
  '32s': 816,
  '1x': 51,
  '2x': 102,
  '4x': 204,
  '8x': 408,
  '16x': 816,
};

/** What the VAE divides by. */
export interface VaeFactors {
  /** Pixels per latent in height and width. Default 8. */
  spatial: number;
  /** Frames that the temporal VAE takes at once. Default 17. */
  chunkFrames: number;
  /** Frames per latent frame within a chunk, rounded up. Default 4, so 17 frames are 5 latent frames. */
  temporal: number;
}

/** The published VAE's factors. */
export const openSoraFactors: VaeFactors = { spatial: 8, chunkFrames: 17, temporal: 4 };

/** What a user may say about size and length; the two pairs `size`/`resolution`+`aspect` and `frames`/`duration` exclude each other. */
export interface SizeRequest {
  /** One of `resolutions`. Default 240p. */
  resolution?: string;
  /** One of `aspects`, width:height. Default 16:9. */
  aspect?: string;
  /** One of `durations`, or a number of frames. Default 2s. */
  duration?: string;
  /** HEIGHTxWIDTH in pixels. */
  size?: string;
  /** 1 for an image, else at least one chunk (17). */
  frames?: number;
}

/** A size in every unit that the engine needs. */
export interface VideoSize {
  /** Pixels as asked for; the model is conditioned on these. */
  height: number;
  width: number;
  frames: number;
  latentHeight: number;
  latentWidth: number;
  latentFrames: number;
  /** Pixels of the decoded video: whole latents only. */
  outputHeight: number;
  outputWidth: number;
}

/** The size that a request names, or an error that lists what is allowed. */
export function resolveSize(request: SizeRequest, factors: VaeFactors = openSoraFactors): VideoSize {
  const { size, resolution, aspect, frames, duration } = request;
  if (size !== undefined && (resolution !== undefined || aspect !== undefined)) {
    throw both(`Size "${size}"`, resolution === undefined ? `aspect ratio "${aspect}"` : `resolution "${resolution}"`);
  }
  if (frames !== undefined && duration !== undefined) {
    throw both(`A length of ${frames} frames`, `duration "${duration}"`);
  }
  const [height, width] = size === undefined ? tableSize(resolution ?? '240p', aspect ?? '16:9') : parseSize(size);
  return videoSize(height, width, frames ?? parseDuration(duration ?? '2s'), factors);
}

/** As 4k, which has up to 8.3 million pixels and 4704 at its longest. */
export const mostPixels = 2 ** 23;
export const longestSide = 4704;
/** As 32s, the longest named duration. */
export const mostFrames = 816;

/** One patch of the transformer is 2 x 2 latents. */
export const smallestSide = ({ spatial }: VaeFactors): number => 2 * spatial;

/** The sizes of some aspect ratios, HEIGHTxWIDTH, smallest first. */
export const namedSizes = (ratios: readonly string[]): string[] =>
  Object.values(sizeTable).flatMap((row) => ratios.map((ratio) => row.split(' ')[aspects.indexOf(ratio)]!));

/** A size from plain numbers, checked. */
export function videoSize(height: number, width: number, frames: number, factors = openSoraFactors): VideoSize {
  const { spatial } = factors;
  const smallest = smallestSide(factors);
  if (!(Number.isInteger(height) && Number.isInteger(width)) || height < smallest || width < smallest) {
    refuse(`Size ${height}x${width} (height x width)`, `use whole numbers of at least ${smallest} pixels`);
  }
  if (height * width > mostPixels || Math.max(height, width) > longestSide) {
    const allowed = `at most ${longestSide} pixels a side and ${mostPixels} in all, which is 4k, the largest resolution there is a name for`;
    refuse(`Size ${height}x${width} (height x width)`, `use ${allowed}`);
  }
  const latentHeight = Math.floor(height / spatial);
  const latentWidth = Math.floor(width / spatial);
  return {
    height,
    width,
    frames,
    latentHeight,
    latentWidth,
    latentFrames: latentFrameCount(frames, factors),
    outputHeight: latentHeight * spatial,
    outputWidth: latentWidth * spatial,
  };
}

/** Latent frames of a video: 5 per whole chunk of 17, then one per started group of 4. */
export function latentFrameCount(frames: number, factors: VaeFactors = openSoraFactors): number {
  const { chunkFrames, temporal } = factors;
  if (!Number.isInteger(frames) || frames < 1 || (frames > 1 && frames < chunkFrames)) {
    refuse(
      `A length of ${frames} frames`,
      `use 1 (an image) or at least ${chunkFrames}, best a multiple of ${chunkFrames}: the model knows no shorter videos`,
    );
  }
  if (frames > mostFrames) {
    refuse(
      `A length of ${frames} frames`,
      `use at most ${mostFrames}, the longest that has a name; loops make longer videos`,
    );
  }
  const rest = frames % chunkFrames;
  return Math.floor(frames / chunkFrames) * Math.ceil(chunkFrames / temporal) + Math.ceil(rest / temporal);
}

function tableSize(resolution: string, aspect: string): [number, number] {
  const row = Object.hasOwn(sizeTable, resolution) ? sizeTable[resolution] : undefined;
  if (row === undefined) refuse(`Resolution "${resolution}"`, `use ${resolutions.join(', ')} or an explicit size`);
  const column = aspects.indexOf(aspect);
  if (column < 0) refuse(`Aspect ratio "${aspect}"`, `use width:height of ${aspects.join(', ')} or an explicit size`);
  return parseSize(row.split(' ')[column]!);
}

function parseSize(size: string): [number, number] {
  const match = /^(\d{1,5})[x×](\d{1,5})$/i.exec(size.trim());
  if (match === null) refuse(`Size "${size}"`, 'write HEIGHTxWIDTH in pixels, for example 240x426');
  return [Number(match[1]), Number(match[2])];
}

function parseDuration(duration: string): number {
  const written = duration.trim();
  if (Object.hasOwn(durations, written)) return durations[written]!;
  if (!/^\d{1,9}$/.test(written)) {
    refuse(`Duration "${duration}"`, `use ${Object.keys(durations).join(', ')} or a number of frames`);
  }
  return Number(written);
}

function refuse(given: string, allowed: string): never {
  throw new QuantCacheError('invalid_option', `${given} is not possible; ${allowed}.`);
}

const both = (one: string, other: string): QuantCacheError =>
  new QuantCacheError('invalid_option', `${one} and ${other} are both given; give one of them.`);
