/** Agreement: whether a clip of the demo world shows what its prompt asked for. The only metric that needs no reference. */
import { QuantCacheError } from '../../errors.ts';
import type { Frames } from '../../video/frames.ts';
import { attributesOfPrompt } from './prompt.ts';
import { readAttributes, type Shown } from './reader.ts';
import { type Attribute, type Attributes, attributes, type Vocabulary } from './vocabulary.ts';

/** Right or wrong per attribute, and whether all are right. */
export type Agreement = Readonly<Record<Attribute | 'all', boolean>>;

/** Shares of clips that are right, 0 to 1. */
export type AgreementShares = Readonly<Record<Attribute | 'all', number>>;

/**
 * Judges a clip by its prompt: of two things, both must be right. Throws `invalid_option` where the prompt is not of the
 * world's grammar.
 */
export function agreement(frames: Frames, prompt: string, vocabulary: Vocabulary): Agreement {
  const wanted = attributesOfPrompt(prompt, vocabulary);
  if (!wanted)
    throw new QuantCacheError(
      'invalid_option',
      `Agreement can be judged only of prompts like ${JSON.stringify(exampleOf(vocabulary))}, not of ${JSON.stringify(prompt)}.`,
    );
  return judge(readWanted(frames, wanted, vocabulary), wanted);
}

/** What a clip shows of the things that its prompt asks for, one entry each. */
export function readWanted(frames: Frames, wanted: readonly Attributes[], vocabulary: Vocabulary): readonly Shown[] {
  return readAttributes(
    frames,
    vocabulary,
    wanted.map(({ colour }) => colour),
  );
}

/** Compares what a clip shows with what was wanted, thing by thing. */
export function judge(shown: readonly Shown[], wanted: readonly Attributes[]): Agreement {
  const right = attributes.map(
    (attribute) => [attribute, wanted.every((thing, i) => shown[i]?.[attribute] === thing[attribute])] as const,
  );
  return { ...Object.fromEntries(right), all: right.every(([, is]) => is) } as Agreement;
}

/** How many clips are right, per attribute and in all, as shares; at least one clip. */
export function agreementShares(clips: readonly Agreement[]): AgreementShares {
  const share = (name: Attribute | 'all') => clips.filter((clip) => clip[name]).length / clips.length;
  return Object.fromEntries([...attributes, 'all' as const].map((name) => [name, share(name)])) as AgreementShares;
}

/**
 * Scene agreement: the share of clips that show the background that was asked for. VBench's `scene` asks a tagger the same.
 */
export const sceneAgreement = ({ background }: AgreementShares): number => background;

/**
 * Overall agreement: the share of all that was asked for that clips show, whatever else is wrong; in VBench, overall
 * consistency is likewise a degree, the likeness of video and text.
 */
export const overallAgreement = (shares: AgreementShares): number =>
  attributes.reduce((sum, attribute) => sum + shares[attribute], 0) / attributes.length;

function exampleOf({ templates, sizes, colours, shapes, motions, backgrounds }: Vocabulary): string {
  const thing = ['a', sizes[0], colours[0], shapes[0], Object.values(motions)[0]].join(' ');
  return templates[0]!.replace('{o}', thing).replace('{b}', Object.values(backgrounds)[0]!);
}
