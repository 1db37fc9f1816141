/** What a clip alone shows of quality over time: the demo world's counterparts of five of VBench's dimensions. */
import { consistency, dynamicDegree, type Frames, flicker, motionSmoothness, type Vocabulary } from '../index.ts';

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
}

/** Measures a clip. */
export function temporalFigures(frames: Frames, vocabulary: Vocabulary | undefined): TemporalFigures {
  const { subject, background } = vocabulary ? consistency(frames, vocabulary) : {};
  return {
    flicker: flicker(frames),
    motionSmoothness: motionSmoothness(frames),
    dynamicDegree: dynamicDegree(frames),
    ...(subject !== undefined && { subjectConsistency: subject, backgroundConsistency: background }),
  };
}
