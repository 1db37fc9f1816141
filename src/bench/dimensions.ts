/**
 * The demo world's counterparts of the eight dimensions of VBench (arXiv 2311.17982) in the paper's table, in its order, and
 * of temporal flickering: how tables call each, and what it is in one sentence. None of them alone tells a good clip, as a
 * frozen one is smooth and consistent, which is why dynamic degree and agreement stand beside them.
 */
import type { RowSummary } from './comparison.ts';
import { percent } from './texts.ts';

export interface Dimension {
  readonly title: string;
  /** What VBench calls its own. */
  readonly vbench: string;
  /** One sentence. */
  readonly meaning: string;
  /** Undefined where it was not measured. */
  readonly value: (row: RowSummary) => number | undefined;
  readonly text: (value: number) => string;
}

export const dimensions: readonly Dimension[] = [
  {
    title: 'smoothness',
    vbench: 'motion smoothness',
    meaning: '1 - the mean distance of each frame from the mean of its two neighbours, over 255.',
    value: ({ temporal }) => temporal?.motionSmoothness,
    text: percent,
  },
  {
    title: 'background',
    vbench: 'background consistency',
    meaning: '1 - how far the pixels outside of the object drift from the first frame and from frame to frame.',
    value: ({ temporal }) => temporal?.backgroundConsistency,
    text: percent,
  },
  {
    title: 'subject',
    vbench: 'subject consistency',
    meaning: '1 - how far the object’s mean colours drift from the first frame and from frame to frame.',
    value: ({ temporal }) => temporal?.subjectConsistency,
    text: percent,
  },
  {
    title: 'object',
    vbench: 'aesthetic quality',
    meaning: '1 - the distance of the object’s pixels from one colour of the world’s palette; beauty is not measured.',
    value: ({ temporal }) => temporal?.objectQuality,
    text: percent,
  },
  {
    title: 'imaging',
    vbench: 'imaging quality',
    meaning: '1 - the distance of the pixels outside of the object from the world’s own picture of the background.',
    value: ({ temporal }) => temporal?.imagingQuality,
    text: percent,
  },
  {
    title: 'dynamic',
    vbench: 'dynamic degree',
    meaning: 'The share of pixels whose brightness changes by more than 5 levels of 255 from frame to frame.',
    value: ({ temporal }) => temporal?.dynamicDegree,
    text: percent,
  },
  {
    title: 'scene',
    vbench: 'scene',
    meaning: 'The share of clips that show the background that the prompt asks for.',
    value: ({ sceneAgreement }) => sceneAgreement,
    text: percent,
  },
  {
    title: 'overall',
    vbench: 'overall consistency',
    meaning: 'The share of all that prompts ask for, attribute by attribute, that clips show.',
    value: ({ overallAgreement }) => overallAgreement,
    text: percent,
  },
  {
    title: 'flicker',
    vbench: 'temporal flickering',
    meaning: 'The mean change from frame to frame, in levels of 255.',
    value: ({ temporal }) => temporal?.flicker,
    text: (value) => value.toFixed(2),
  },
];
