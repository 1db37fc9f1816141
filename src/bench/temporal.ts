/**
 * What a clip alone shows of quality, whatever was asked for: the demo world's counterparts of VBench's dimensions (motion
 * smoothness, dynamic degree, temporal flickering, subject and background consistency, imaging and aesthetic quality). Of
 * the eight in the paper's table, scene and overall consistency need the prompt and come from the agreement.
 */
import { consistency, dynamicDegree, flicker, motionSmoothness, quality, type Vocabulary } from '../api/metrics.ts';
import type { Frames } from '../index.ts';

/** Figures of one clip. None of them tells a good clip: a collapsed one may be very smooth and consistent. */
export interface TemporalFigures {
  /** Mean change from frame to frame, in levels of 255. */
  readonly flicker: number;
  /** 1 is even motion. */
  readonly motionSmoothness: number;
  /** Share of the pixels that move. */
  readonly dynamicDegree: number;
  /** Absent where the model has no vocabulary: objects and backgrounds cannot be told apart. */
  readonly subjectConsistency?: number;
  readonly backgroundConsistency?: number;
  /** Closeness of the background to the world's own picture of it; absent in files of earlier versions too. */
  readonly imagingQuality?: number;
  /** Closeness of the object to one colour of the palette; in the place of aesthetic quality. */
  readonly objectQuality?: number;
}

/** Measures a clip. */
export function temporalFigures(frames: Frames, vocabulary: Vocabulary | undefined): TemporalFigures {
  const figures = {
    flicker: flicker(frames),
    motionSmoothness: motionSmoothness(frames),
    dynamicDegree: dynamicDegree(frames),
  };
  if (!vocabulary) return figures;
  const { subject, background } = consistency(frames, vocabulary);
  const { imaging, object } = quality(frames, vocabulary);
  return {
    ...figures,
    subjectConsistency: subject,
    backgroundConsistency: background,
    imagingQuality: imaging,
    objectQuality: object,
  };
}
