import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pipeline } from '../pipeline.ts';
import { decideRun, generateOptionsOf } from './decide.ts';
import { parseRunOptions, type RunOptions } from './options.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-decide-'));
  mkdirSync(join(folder, 'profiles'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As much of a model as deciding asks for: prompts that contain `picture` name one. */
const model = (): Pipeline =>
  ({
    model: 'test',
    folder,
    hash: async () => 'abc',
    defaults: { height: 64, width: 64, numFrames: 17, fps: 8, numSteps: 30, guidanceScale: 4 },
    geometry: ({ size = '64x64', frames = 17, fps = 8 }) => {
      const [height, width] = size.split('x').map(Number);
      return { height, width, numFrames: frames, fps };
    },
    text: { prepare: (prompt: string) => ({ references: prompt.includes('picture') ? ['p.png'] : [] }) },
    network: { samplers: { euler: undefined, heun: undefined } },
    publishedOptions: (policy: string) => (policy === 'magcache' ? { maxInARow: 9 } : {}),
  }) as unknown as Pipeline;

const plan = [{ step: 0, latents: 1, outputs: [[1.8, -0.8]] }];
const fitted = {
  height: 64,
  width: 64,
  frames: 17,
  fps: 8,
  guidanceScale: 4,
  sampler: 'euler',
  conditioning: 'text',
  steps: [30, 100],
};
const profile = {
  format: 'quantcache-profile',
  version: 3,
  name: 'balanced',
  model: { name: 'test', hash: 'abc' },
  fitted,
  options: { srap: false, hlc: { plans: { 30: plan, 100: plan } }, aigq: { ladder: [['w8a8', 0]] } },
};
const write = (name: string, content: object) =>
  writeFileSync(join(folder, 'profiles', `${name}.json`), JSON.stringify(content));
const decide = (asked: Partial<RunOptions> = {}) => decideRun(model(), { prompts: ['a star'], ...asked });
const plansOf = ({ run }: Awaited<ReturnType<typeof decide>>) =>
  Object.keys((run.policyOptions.hlc as { plans: object }).plans);

test('without a profile leaps follow the clip, in the precision asked for, and one line says so', async () => {
  const { run, warnings } = await decide();
  expect(run).toMatchObject({ policy: 'quantcache', precision: 'fp32' });
  expect(run.policyOptions.hlc).toMatchObject({ plans: {}, leaps: { quality: 38 } });
  expect(warnings).toEqual([expect.stringMatching(/no profile.*calibrate.*policy full/)]);
  expect((await decide({ precision: 'w8a8' })).run).toMatchObject({ policy: 'quantcache', precision: 'w8a8' });
});

test('where it was fitted, the default profile is followed, and the precision is its own', async () => {
  write('balanced', profile);
  for (const asked of [{}, { precision: 'w8a8' as const }, { numSteps: 100 }, { prompts: ['a star', 'a circle'] }]) {
    const decided = await decide(asked);
    expect(decided).toMatchObject({
      profile: 'balanced',
      run: { policy: 'quantcache', precision: 'w8a8' },
      warnings: [],
    });
    expect(plansOf(decided)).toEqual(['30', '100']);
  }
});

test.each<[string, Partial<RunOptions>, RegExp]>([
  ['guidance', { guidanceScale: 8 }, /for guidance 4, not 8\./],
  ['no guidance', { guidanceScale: 1 }, /guidance 4, not 1/],
  ['size', { size: '32x64' }, /size 64x64, not 32x64/],
  ['length', { frames: 51 }, /17 frames, not 51/],
  ['frame rate', { fps: 24 }, /8 frames per second, not 24/],
  ['sampler', { sampler: 'heun' }, /sampler euler, not heun/],
  ['a negative prompt', { negativePrompt: 'rain' }, /text, not from text and a negative prompt/],
  ['steps', { numSteps: 20 }, /30 or 100 steps, not 20/],
  ['an image', { image: 'i.png' }, /text, not from text and frames/],
  ['a picture that a prompt names', { prompts: ['a star', 'a picture'] }, /text and frames/],
  ['loops', { loops: 2 }, /text and frames/],
  ['precision', { precision: 'w4a8' }, /precision w8a8, not w4a8/],
  ['several of them', { frames: 51, guidanceScale: 2 }, /17 frames, not 51; guidance 4, not 2/],
])('outside of what the profile was fitted for there is no plan, and one warning: %s', async (_, asked, warning) => {
  write('balanced', profile);
  for (const named of [{}, { profile: 'balanced' }]) {
    const decided = await decide({ ...asked, ...named });
    expect(decided.profile).toBeUndefined();
    expect(decided.run).toMatchObject({ policy: 'quantcache', precision: asked.precision ?? 'fp32' });
    expect(plansOf(decided)).toEqual([]);
    expect(decided.warnings).toEqual([expect.stringMatching(warning)]);
  }
});

test('a default profile of other weights does not stand in the way, one that was asked for is refused', async () => {
  write('balanced', { ...profile, model: { name: 'other', hash: 'def' } });
  const decided = await decide();
  expect(decided.run).toMatchObject({ policy: 'quantcache', precision: 'fp32' });
  expect(decided.warnings).toEqual([expect.stringMatching(/measured on other .*without a plan/)]);
  await expect(decide({ profile: 'balanced' })).rejects.toMatchObject({ code: 'weights_mismatch' });
});

test.each(['../balanced', '../../x', 'a/b', '..', 'C:x', 'a\\\\b', ' /etc/passwd'])(
  'a profile is a name or a .json file, not %j',
  async (profile) => {
    await expect(decide({ profile })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/no name of a profile/),
    });
  },
);

test("an older profile holds for the model's defaults, and the user is told that this is a guess", async () => {
  const { fitted: _, ...older } = profile;
  write('balanced', { ...older, version: 2, numSteps: 30 });
  expect(await decide()).toMatchObject({ profile: 'balanced', warnings: [expect.stringMatching(/does not say/)] });
  expect(await decide({ numSteps: 100 })).toMatchObject({ profile: 'balanced' });
  expect((await decide({ guidanceScale: 8 })).profile).toBeUndefined();
});

describe('a policy', () => {
  test('runs in the precision asked for; one that its options contradict is refused', async () => {
    const aigq = { ladder: [['w8a8', 0]] };
    expect((await decide({ policy: 'quantcache', precision: 'w4a8' })).run.precision).toBe('w4a8');
    expect((await decide({ policy: 'quantcache', policyOptions: { aigq } })).run.precision).toBe('w8a8');
    const mixed = {
      ladder: [
        ['fp32', 1],
        ['w8a8', 0],
      ],
    };
    expect((await decide({ policy: 'aigq', policyOptions: mixed })).run.precision).toBeUndefined();
    await expect(decide({ policy: 'aigq', policyOptions: mixed, precision: 'fp32' })).rejects.toThrow(
      /w8a8.*Leave out/,
    );
    await expect(decide({ policy: 'quantcache', policyOptions: { aigq }, precision: 'fp32' })).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });

  test('whose options were fitted for other runs says so once, unless they are not used', async () => {
    const fit = { format: 'quantcache-fitted', version: 1, name: 'teacache', model: { name: 'test', hash: 'abc' } };
    write('teacache', { ...fit, fitted: { ...profile.fitted, steps: [30] }, options: { coefficients: [2, 3] } });
    const warnings = async (asked: Partial<RunOptions>) => (await decide({ policy: 'teacache', ...asked })).warnings;
    expect(await warnings({})).toEqual([]);
    expect(await warnings({ numSteps: 20, guidanceScale: 8 })).toEqual([
      expect.stringMatching(/"teacache" were fitted for 30 steps, not 20; guidance 4, not 8\./),
    ]);
    expect(await warnings({ numSteps: 20, policyOptions: { coefficients: [1, 0] } })).toEqual([]);
  });

  test('gets what was fitted to the model, options that are given go before', async () => {
    const fit = { format: 'quantcache-fitted', version: 1, name: 'teacache', model: { name: 'test', hash: 'abc' } };
    write('teacache', { ...fit, options: { coefficients: [2, 3], threshold: 0.3 } });
    const { run } = await decide({ policy: 'teacache', policyOptions: { threshold: 0.5 } });
    expect(run.policyOptions).toEqual({ coefficients: [2, 3], threshold: 0.5 });
  });

  test('gets what was published for the model', async () => {
    expect((await decide({ policy: 'magcache' })).run.policyOptions.maxInARow).toBe(9);
  });

  test('takes a bound of its memory, or refuses it', async () => {
    expect((await decide({ policy: 'hlc', cacheMemory: 5 })).run.policyOptions.cacheMemory).toBe(5);
    expect((await decide({ cacheMemory: 5 })).run.policyOptions.cacheMemory).toBe(5);
    for (const asked of [{ policy: 'fora' }, { policy: 'full' }])
      await expect(decide({ ...asked, cacheMemory: 5 })).rejects.toThrow(
        /Policy "(fora|full)" has no bound of its memory .*--cache-memory.* Leave it out, or choose .*quantcache, .*hlc/,
      );
  });
});

test('options change those of a profile', async () => {
  write('balanced', profile);
  const decided = await decide({
    profile: 'balanced',
    policyOptions: { aigq: false },
    precision: 'w4a8',
    cacheMemory: 7,
  });
  expect(decided).toMatchObject({ profile: 'balanced', run: { precision: 'w4a8' } });
  expect(decided.run.policyOptions).toMatchObject({ aigq: false, cacheMemory: 7 });
});

test('what was decided is JSON, decides to the same again, and is what generate takes', async () => {
  write('balanced', profile);
  for (const asked of [{}, { loops: 2, image: 'i.png', seed: 7 }, { policy: 'teacache', size: '32x48' }]) {
    const { run } = await decide(asked);
    const sent = JSON.parse(JSON.stringify(run));
    expect(sent).toEqual(run);
    expect(JSON.stringify((await decideRun(model(), sent)).run)).toBe(JSON.stringify(run));
    const { policy, prompts, numSteps, seed } = generateOptionsOf(run);
    expect([policy.name, prompts, numSteps, seed]).toEqual([run.policy, run.prompts, run.numSteps, run.seed]);
  }
});

test.each<[object, RegExp]>([
  [{ prompts: [] }, /prompts/],
  [{ prompts: ['a'], stepz: 3 }, /stepz/],
  [{ prompts: ['a'], precision: 'w3a3' }, /precision/],
  [{ prompts: ['a'], profile: 'fast', policy: 'full' }, /give one of them/],
  [{ prompts: ['a'], policyOptions: { x: 1 } }, /needs a policy/],
  [{ prompts: ['a'], policy: 'magic' }, /no policy "magic"/],
  [{ prompts: ['a'], policy: 'fora', policyOptions: { x: 1 } }, /fora.*x/],
])('refuses %j', (options, message) => {
  expect(() => parseRunOptions(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(() => parseRunOptions(options)).toThrow(message);
});

test('a quality is what leaps aim at, and refused where nothing aims at one', async () => {
  const leapsOf = async (asked: Partial<RunOptions>) =>
    ((await decide(asked)).run.policyOptions.hlc as { leaps: { quality: number } }).leaps.quality;
  expect(await leapsOf({ quality: 41 })).toBe(41);
  expect(await leapsOf({ policy: 'quantcache', quality: 28 })).toBe(28);
  await expect(decide({ policy: 'full', quality: 30 })).rejects.toThrow(/30 dB.*"full" aims at none/);
  await expect(decide({ policy: 'quantcache', policyOptions: { hlc: false }, quality: 30 })).rejects.toThrow(
    /hlc=false/,
  );
});

describe('a speed-up', () => {
  // Denoising takes 90 of 100 parts of the full clip, and a tenth of that by ten evaluations: 10 + 9 parts are left of 100.
  const figures = [{ numSteps: 10, computed: 10, denoiseSpeedup: 10, speedup: 100 / 19, psnr: 40 }];
  const leaping = {
    ...{ ...profile, name: 'leaping', measured: { figures } },
    options: { srap: false, hlc: { leaps: { quality: 33 } } },
  };
  const evaluationsOf = async (asked: Partial<RunOptions>) =>
    ((await decide({ profile: 'leaping', ...asked })).run.policyOptions.hlc as { leaps: { evaluations: number } }).leaps
      .evaluations;

  test('is as many evaluations as calibration says that it takes', async () => {
    write('leaping', leaping);
    expect(await evaluationsOf({ numSteps: 10, speedup: 100 / 14.6 })).toBe(5); // each takes 0.9 parts
    expect(await evaluationsOf({ numSteps: 10, speedup: 100 / 14.4 })).toBe(4);
    // Of twice as many steps denoising takes 180 parts of 190: each evaluation as many as before.
    expect(await evaluationsOf({ numSteps: 20, speedup: 190 / 14.6 })).toBe(5);
    expect(await evaluationsOf({ numSteps: 10, speedup: 1 })).toBe(10);
  });

  test('is refused where it cannot be had, or nobody knows what it takes', async () => {
    write('leaping', leaping);
    await expect(evaluationsOf({ numSteps: 10, speedup: 20 })).rejects.toThrow(/it can be 7\.9 at most/);
    write('leaping', { ...leaping, measured: {} });
    await expect(evaluationsOf({ speedup: 2 })).rejects.toThrow(/A speed-up of 2 .*"quantcache calibrate"/);
    await expect(decide({ policy: 'quantcache', speedup: 2 })).rejects.toThrow(/no profile says what a run costs/);
    await expect(decide({ policy: 'full', speedup: 2 })).rejects.toThrow(/"full" aims at none/);
    await expect(decide({ speedup: 2, quality: 30 })).rejects.toThrow(/Both a quality and a speed-up/);
  });
});

test('leaps that follow the clip are followed elsewhere, too, but not where none can be taken', async () => {
  write('leaping', { ...profile, name: 'leaping', options: { srap: false, hlc: { leaps: { quality: 33 } } } });
  const asked = { profile: 'leaping', numSteps: 17 };
  const elsewhere = await decide(asked);
  expect(elsewhere).toMatchObject({ profile: 'leaping', run: { policy: 'quantcache' } });
  expect(elsewhere.warnings).toEqual([expect.stringMatching(/steps, not 17\. Its leaps follow the clip here, too/)]);
  const given = await decide({ ...asked, loops: 2 });
  expect(given.profile).toBeUndefined();
  expect(given.warnings).toEqual([expect.stringMatching(/not from text and frames\. It is not followed/)]);
});
