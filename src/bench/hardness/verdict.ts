/** What a reader of clips has to say of one for its hardness to be measured. All that is known of the reader stands here. */
import { attributes, attributesOfPrompt, judge, readTrack, readWanted, type Vocabulary } from '../../api/metrics.ts';
import type { Frames } from '../../index.ts';
import type { Place } from './coverage.ts';

/** What of a clip is not what its prompt asks for. */
export interface Verdict {
  /** Objects that the prompt asks for. */
  readonly objects: number;
  /** Attributes that are wrong, of any of them. */
  readonly wrong: readonly string[];
}

/** All that can be wrong. */
export const judged: readonly string[] = attributes;

/** Judges a clip; undefined where the prompt is not of the world that the reader knows. */
export function verdictOf(frames: Frames, prompt: string, vocabulary: Vocabulary): Verdict | undefined {
  const wanted = attributesOfPrompt(prompt, vocabulary);
  if (!wanted) return undefined;
  const right = judge(readWanted(frames, wanted, vocabulary), wanted);
  return { objects: wanted.length, wrong: attributes.filter((attribute) => !right[attribute]) };
}

/** Pixels of room that make a place worth telling. */
const leastRoom = 4;

/**
 * Where the motion of the object lies in the room that it has; none where it has hardly any, and none of clips of two
 * objects, which leave each other room or not.
 */
export function placesOf(frames: Frames, prompt: string, vocabulary: Vocabulary): Place[] {
  if (attributesOfPrompt(prompt, vocabulary)?.length !== 1) return [];
  const track = readTrack(frames, vocabulary);
  if (!track) return [];
  const [roomX, roomY] = [frames.width - (track.right - track.left), frames.height - (track.bottom - track.top)];
  return Math.min(roomX, roomY) < leastRoom ? [] : [{ x: track.left / roomX, y: track.top / roomY }];
}
