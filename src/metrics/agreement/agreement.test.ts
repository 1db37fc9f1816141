/** The attribute reader against `training/reader.py` on its clips, and on clips whose right answer is known. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Frames, frameAt, makeFrames } from '../../video/frames.ts';
import { agreement, agreementShares } from './agreement.ts';
import { backgroundImage } from './backgrounds.ts';
import { attributesOfPrompt } from './prompt.ts';
import { readAttributes } from './reader.ts';
import { type Attributes, attributes, readVocabulary } from './vocabulary.ts';

interface Row {
  readonly caption: string;
  readonly wanted: Attributes;
  readonly read: Attributes;
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const vocabulary = readVocabulary(json('models/demo/quantcache.json').vocabulary);
const { constants, clips: rows } = json('training/fixtures/reader.json') as {
  constants: { palette: object; backgrounds: string[] };
  clips: Row[];
};
const evaluation = json('training/fixtures/prompts.json') as (Attributes & { prompt: string })[];
const tensors = readTensors('training/fixtures/reader.safetensors');
const clipBytes = 17 * 64 * 64 * 3;
const cases = rows.map((row, i) => ({
  ...row,
  frames: clipOf(tensors.clips!.slice(i * clipBytes, (i + 1) * clipBytes)),
}));

/** The byte tensors of a safetensors file. */
function readTensors(path: string): Record<string, Uint8Array> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>;
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          data_offsets: [start, end],
        },
      ]) => [name, new Uint8Array(file.subarray(8 + length + start, 8 + length + end))],
    ),
  );
}

function clipOf(data: Uint8Array): Frames {
  return makeFrames(data, { count: 17, height: 64, width: 64, fps: 8 });
}

/** The frames of a clip in another order. */
const reordered = (frames: Frames, order: (index: number) => number): Frames =>
  clipOf(new Uint8Array(Array.from({ length: frames.count }, (_, i) => [...frameAt(frames, order(i))]).flat()));

const clipThat = (motion: string) => cases.find(({ wanted }) => wanted.motion === motion)!;

describe('as in Python', () => {
  it.each(cases)('reads: $caption', ({ frames, read, wanted, caption }) => {
    expect(readAttributes(frames, vocabulary)).toEqual(read);
    expect(attributesOfPrompt(caption, vocabulary)).toEqual(wanted);
    expect(agreement(frames, caption, vocabulary).all).toBe(true);
  });

  it('paints the same backgrounds, has the same palette', () => {
    const names = Object.keys(vocabulary.backgrounds);
    expect(names).toEqual(constants.backgrounds);
    expect(vocabulary.palette).toEqual(constants.palette);
    for (const [i, name] of names.entries()) {
      const bytes = Uint8Array.from(backgroundImage(name), (value) => value * 255 + 0.5);
      expect(bytes).toEqual(tensors.backgrounds!.slice(i * bytes.length, (i + 1) * bytes.length));
    }
  });

  it('understands every evaluation prompt', () => {
    const distinct = json('models/demo/prompts.json') as string[];
    expect(new Set(distinct).size).toBe(200);
    for (const prompt of distinct) expect(attributesOfPrompt(prompt, vocabulary)).toBeDefined();
    expect(distinct.slice(0, 100)).toEqual([...new Set(evaluation.map(({ prompt }) => prompt))].slice(0, 100));
    for (const { prompt, ...said } of evaluation) expect(attributesOfPrompt(prompt, vocabulary)).toEqual(said);
  });
});

describe('where the answer is known', () => {
  it('frozen clips stand still', () => {
    for (const { frames, wanted } of cases) {
      const found = readAttributes(
        reordered(frames, () => 8),
        vocabulary,
      );
      expect(found).toMatchObject({ motion: 'still', shape: wanted.shape, colour: wanted.colour });
    }
  });

  it.each([
    ['left', 'right'],
    ['up', 'down'],
    ['grows', 'shrinks'],
    ['bounces', 'bounces'],
    ['spins', 'spins'],
  ])('reversed, %s becomes %s', (motion, backwards) => {
    for (const [from, to] of [
      [motion, backwards],
      [backwards, motion],
    ] as const) {
      const { frames, read } = clipThat(from);
      const reversed = reordered(frames, (i) => 16 - i);
      expect(readAttributes(reversed, vocabulary)).toEqual({ ...read, motion: to });
    }
  });

  it('red and blue exchanged, the colour is wrong', () => {
    const { frames, caption } = cases.find(({ wanted }) => wanted.colour === 'blue')!;
    const shifted = clipOf(frames.data.map((_, i) => frames.data[i + (i % 3 === 0 ? 2 : i % 3 === 2 ? -2 : 0)]!));
    expect(agreement(shifted, caption, vocabulary)).toMatchObject({ colour: false, shape: true, all: false });
  });

  it('with another clip’s caption, what differs is wrong', () => {
    for (const [i, { frames, wanted }] of cases.entries()) {
      const other = cases[(i + 1) % cases.length]!;
      const verdict = agreement(frames, other.caption, vocabulary);
      for (const attribute of attributes)
        expect(verdict[attribute]).toBe(wanted[attribute] === other.wanted[attribute]);
    }
  });

  it('an empty scene shows a background and nothing else', () => {
    const empty = clipOf(new Uint8Array(clipBytes).fill(120));
    expect(readAttributes(empty, vocabulary)).toEqual({ background: 'gray' });
    expect(agreement(empty, 'a small red star spins over a gray background', vocabulary)).toEqual({
      shape: false,
      colour: false,
      size: false,
      motion: false,
      background: true,
      all: false,
    });
  });
});

describe('prompts and shares', () => {
  it.each(['a red walrus', 'a large red star over a sunset', 'two large red stars spin over a sunset', ''])(
    'does not pretend to understand %j',
    (prompt) => {
      expect(attributesOfPrompt(prompt, vocabulary)).toBeUndefined();
      expect(() => agreement(cases[0]!.frames, prompt, vocabulary)).toThrow(/only of prompts like/);
    },
  );

  it('takes spelling of the same prompt lightly', () => {
    expect(attributesOfPrompt('  A large  Red star spins over a sunset. ', vocabulary)).toMatchObject({
      colour: 'red',
    });
  });

  it('refuses other sizes and broken vocabularies', () => {
    const tiny = makeFrames(new Uint8Array(12), { count: 1, height: 2, width: 2, fps: 8 });
    expect(() => readAttributes(tiny, vocabulary)).toThrow(/64x64 pixels, but this one is 2x2/);
    expect(() => readVocabulary({ ...vocabulary, palette: 3 })).toThrow(/palette/);
  });

  it('counts shares', () => {
    const right = { shape: true, colour: true, size: true, motion: true, background: true, all: true };
    const wrong = { ...right, motion: false, all: false };
    expect(agreementShares([right, wrong, right, wrong])).toEqual({
      shape: 1,
      colour: 1,
      size: 1,
      motion: 0.5,
      background: 1,
      all: 0.5,
    });
  });
});
