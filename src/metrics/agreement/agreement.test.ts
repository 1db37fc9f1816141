/** The attribute reader against `training/reader.py` on its clips, and on clips whose right answer is known. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Frames, frameAt, makeFrames } from '../../video/frames.ts';
import { agreement, agreementShares, readWanted } from './agreement.ts';
import { attributesOfPrompt } from './prompt.ts';
import { readAttributes } from './reader.ts';
import { type Attributes, attributes, readVocabulary } from './vocabulary.ts';

interface Row {
  readonly caption: string;
  /** Of each thing. */
  readonly wanted: readonly Attributes[];
  readonly read: readonly Attributes[];
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const vocabulary = readVocabulary(json('models/demo/quantcache.json').vocabulary);
const { constants, clips: rows } = json('training/fixtures/reader.json') as {
  constants: { palette: object; grounds: object };
  clips: Row[];
};
const evaluation = json('training/fixtures/prompts.json') as { prompt: string; things: Attributes[] }[];
const bytes = new Uint8Array(gunzipSync(readFileSync('training/fixtures/reader.clips.gz')));
const clipBytes = 17 * 64 * 64 * 3;
const cases = rows.map((row, i) => ({ ...row, frames: clipOf(bytes.slice(i * clipBytes, (i + 1) * clipBytes)) }));
/** Those of one thing. */
const single = cases
  .filter(({ wanted }) => wanted.length === 1)
  .map(({ wanted, read, ...rest }) => ({ ...rest, wanted: wanted[0]!, read: read[0]! }));
const double = cases.filter(({ wanted }) => wanted.length === 2);

function clipOf(data: Uint8Array): Frames {
  return makeFrames(data, { count: 17, height: 64, width: 64, fps: 8 });
}

/** The frames of a clip in another order. */
const reordered = (frames: Frames, order: (index: number) => number): Frames =>
  clipOf(new Uint8Array(Array.from({ length: frames.count }, (_, i) => [...frameAt(frames, order(i))]).flat()));

const clipThat = (motion: string) => single.find(({ wanted }) => wanted.motion === motion)!;

describe('as in Python', () => {
  it.each(cases)('reads: $caption', ({ frames, read, wanted, caption }) => {
    expect(readWanted(frames, wanted, vocabulary)).toEqual(read);
    expect(attributesOfPrompt(caption, vocabulary)).toEqual(wanted);
    expect(agreement(frames, caption, vocabulary).all).toBe(true);
  });

  it('has the same palette and the same colours of backgrounds', () => {
    expect(vocabulary.palette).toEqual(constants.palette);
    expect(vocabulary.grounds).toEqual(constants.grounds);
    expect(Object.keys(vocabulary.grounds)).toEqual(Object.keys(vocabulary.backgrounds));
  });

  it('understands every evaluation prompt', () => {
    const prompts = json('models/demo/prompts.json') as string[];
    expect(new Set(prompts).size).toBe(200);
    const single = evaluation.filter(({ things }) => things.length === 1);
    expect(prompts).toEqual(single.map(({ prompt }) => prompt));
    for (const { prompt, things } of evaluation) expect(attributesOfPrompt(prompt, vocabulary)).toEqual(things);
  });
});

describe('where the answer is known', () => {
  it('frozen clips stand still', () => {
    for (const { frames, wanted } of single) {
      const found = readAttributes(
        reordered(frames, () => 8),
        vocabulary,
      );
      expect(found[0]).toMatchObject({ motion: 'still', shape: wanted.shape, colour: wanted.colour });
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
      expect(readAttributes(reversed, vocabulary)).toEqual([{ ...read, motion: to }]);
    }
  });

  it('red and blue exchanged, the colour is wrong', () => {
    const { frames, caption } = single.find(({ wanted }) => wanted.colour === 'blue')!;
    const shifted = clipOf(frames.data.map((_, i) => frames.data[i + (i % 3 === 0 ? 2 : i % 3 === 2 ? -2 : 0)]!));
    expect(agreement(shifted, caption, vocabulary)).toMatchObject({ colour: false, shape: true, all: false });
  });

  it('with another clip’s caption, what differs is wrong', () => {
    for (const [i, { frames, wanted }] of single.entries()) {
      const other = single[(i + 1) % single.length]!;
      const verdict = agreement(frames, other.caption, vocabulary);
      for (const attribute of attributes)
        expect(verdict[attribute]).toBe(wanted[attribute] === other.wanted[attribute]);
    }
  });

  it('of two things exchanged in the caption, each has the other one’s attributes', () => {
    for (const { frames, caption, wanted } of double) {
      const [one, other] = wanted.map(({ colour }) => colour) as [string, string];
      const exchanged = caption.replace(one, 'x').replace(other, one).replace('x', other);
      for (const attribute of ['shape', 'size', 'motion'] as const)
        expect(agreement(frames, exchanged, vocabulary)[attribute]).toBe(
          wanted[0]![attribute] === wanted[1]![attribute],
        );
    }
  });

  it('a thing that is not there is not right', () => {
    const { frames, caption } = single.find((row) => row.caption.includes(' over '))!;
    expect(caption).not.toContain('green');
    const twice = caption.replace(' over ', ' and a small green star stays still over ');
    expect(agreement(frames, twice, vocabulary)).toMatchObject({ colour: false, all: false, background: true });
  });

  it('an empty scene shows a background and nothing else', () => {
    const empty = clipOf(new Uint8Array(clipBytes).fill(120));
    expect(readAttributes(empty, vocabulary)).toEqual([{ background: 'gray' }]);
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
      expect(() => agreement(single[0]!.frames, prompt, vocabulary)).toThrow(/only of prompts like/);
    },
  );

  it('takes spelling of the same prompt lightly', () => {
    expect(attributesOfPrompt('  A large  Red star spins over a sunset. ', vocabulary)).toMatchObject([
      { colour: 'red' },
    ]);
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
