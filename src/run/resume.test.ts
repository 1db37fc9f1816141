/** Runs that are stopped, saved and gone on with; and what lies between the stages of a run, as files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode } from '../decode.ts';
import {
  createPolicy,
  createRuntime,
  finish,
  type GenerateOptions,
  type GenerateResult,
  generate,
  openModel,
  type Pipeline,
  type Runtime,
} from '../index.ts';
import type { TextConditioning } from '../model.ts';
import { createRunState } from '../state.ts';
import { createKeeper } from './keeper.ts';
import { openPartial, partialOf, removePartial, savePartial } from './partial.ts';
import type { ClipRecord } from './record.ts';
import { assertSameText, readLatents, readText, saveLatents, saveText, textsOf } from './stages.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-resume-'));
const path = partialOf(join(folder, 'clip.mp4'));
let runtime: Runtime;
let pipeline: Pipeline;

beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime, { model: 'test/fixtures/pipeline' });
});

afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const record: ClipRecord = {
  format: 'quantcache-clip',
  version: 1,
  prompt: 'a red star',
  index: 0,
  run: { prompts: ['a red star'], seed: '5', numSteps: 6 },
  computed: {},
  model: { name: 'small', hash: 'abc' },
  source: {},
  pictures: [],
  quantcache: '0.1.0',
  runtime: 'CPU, 1 thread, exact',
  processor: 'some (x64)',
};

const clip = (frames: number) => ({
  data: Float32Array.from({ length: 3 * frames * 32 * 32 }, (_, i) => Math.sin(i / 50)),
  channels: 3,
  frames,
  height: 32,
  width: 32,
});

const runs: Record<string, Partial<GenerateOptions>> = {
  plain: {},
  'two prompts under TeaCache in 8 bits': {
    prompts: ['a red star', 'a blue circle'],
    policy: createPolicy('teacache', { threshold: 0.5 }),
    precision: 'w8a8',
  },
  'two prompts that leap one after the other': {
    prompts: ['a red star', 'a blue circle'],
    policy: createPolicy('quantcache', { hlc: { leaps: { quality: 60 } } }),
    numSteps: 8,
  },
  'given frames that start late, in two loops': {
    frames: 34,
    loops: 2,
    numSteps: 2,
    references: [[clip(1)]],
    familyOptions: { maskStrategies: ['0,0,0,0,1,0.6'] },
  },
};

const run = (options: Partial<GenerateOptions>) =>
  generate(pipeline, runtime, {
    prompts: ['a red star'],
    policy: createPolicy('full'),
    numSteps: 4,
    size: '32x32',
    frames: 17,
    seed: 5,
    ...options,
  });

describe.each(Object.entries(runs))('a run, %s', (_, options) => {
  let whole: GenerateResult;
  let moments = 0;
  beforeAll(async () => {
    const state = createRunState();
    whole = await finish(run({ ...options, state }), (event) => {
      moments += Number(event.type === 'step');
    });
  });

  test('that is stopped and gone on with makes the same numbers', async () => {
    expect(moments).toBeGreaterThan(3);
    for (const moment of [1, moments - 2, moments]) {
      const state = createRunState();
      const stopped = run({ ...options, state });
      let steps = 0;
      for (let next = await stopped.next(); !next.done; next = await stopped.next()) {
        if (next.value.type !== 'step' || !next.value.canSave) continue;
        await savePartial(path, record, state, runtime);
        if (++steps === moment) break;
      }
      await stopped.return(undefined as never);
      const again = await finish(run({ ...options, state: await openPartial(path, record, runtime) }));
      expect(again.latents).toEqual(whole.latents);
      for (const [i, { data }] of whole.videos.entries()) expect(again.videos[i]!.data).toEqual(data);
      const decided = ({ trace }: GenerateResult) => trace.decisions.map(({ step, path, did }) => [step, path, did]);
      expect(decided(again)).toEqual(decided(whole));
      expect(again.trace.warnings).toEqual(whole.trace.warnings);
    }
  });
});

describe('a saved state', () => {
  beforeAll(() => savePartial(path, record, createRunState(), runtime));

  test.each<[string, Partial<ClipRecord>, RegExp]>([
    ['another version', { quantcache: '0.2.0' }, /version was 0\.1\.0, now 0\.2\.0/],
    ['other weights', { model: { name: 'small', hash: 'abd' } }, /weights of the model was abc, now abd/],
    ['another option', { run: { ...record.run, seed: '6' } }, /seed was 5, now 6/],
    ['other threads', { runtime: 'CPU, 2 threads, exact' }, /threads was CPU, 1 thread.*now CPU, 2 threads/],
    ['another integer path', { runtime: 'CPU, 1 thread, saturates' }, /saturates/],
    ['another processor', { processor: 'other (x64)' }, /processor/],
    ['another picture', { pictures: [{ file: 'a.png', sha256: 'f' }] }, /pictures was \[\], now \["f"\]/],
    ['another VAE', { source: { vae: 'x' } }, /VAE was not given, now x/],
    ['encoded prompts', { text: 'f' }, /encoded prompts was not given/],
  ])('is refused for %s', async (_, change, message) => {
    await expect(openPartial(path, { ...record, ...change }, runtime)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    });
  });

  test('is refused where its file was changed, cut, or is another', async () => {
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes);
    changed[bytes.indexOf('\\"data') + 3] = 'x'.charCodeAt(0);
    const number = Buffer.from(bytes);
    number[bytes.length - 1]! ^= 1;
    const other = join(folder, 'other');
    for (const content of [changed, number, bytes.subarray(0, 100)]) {
      writeFileSync(other, content);
      await expect(openPartial(other, record, runtime)).rejects.toMatchObject({
        code: 'corrupt_file',
        message: expect.stringMatching(/not the state of a run.*begin again without --resume/),
      });
    }
    await expect(openPartial('test/fixtures/pipeline/expected.safetensors', record, runtime)).rejects.toThrow(
      /holds something else/,
    );
  });

  test('is gone once removed, and that is said', async () => {
    await removePartial(path);
    await removePartial(path);
    await expect(openPartial(path, record, runtime)).rejects.toThrow(/no .*clip\.mp4\.partial to go on from/);
  });
});

describe('a keeper', () => {
  /** Offers a moment every `step` milliseconds for `time`; each save takes `cost`. */
  async function keep({ step, time, cost }: { step: number; time: number; cost: number }) {
    let now = 0;
    const saves: number[] = [];
    const save = async () => {
      saves.push(now);
      now += cost;
    };
    const keeper = createKeeper({ save, now: () => now, after: 60_000 });
    while (now < time) {
      now += step;
      await keeper.offer();
    }
    return { saves, share: keeper.spent() / now };
  }

  test('saves nothing of a run of less than a minute', async () => {
    expect((await keep({ step: 1000, time: 59_000, cost: 10 })).saves).toEqual([]);
  });

  test('takes at most 2% of the time, the sooner the cheaper', async () => {
    const cheap = await keep({ step: 60_000, time: 1_800_000, cost: 500 });
    expect(cheap.saves.length).toBeGreaterThanOrEqual(29);
    const dear = await keep({ step: 10_000, time: 3_600_000, cost: 20_000 });
    expect(dear.saves.length).toBeGreaterThan(2);
    for (const { share } of [cheap, dear]) expect(share).toBeLessThanOrEqual(0.02);
  });
});

describe('between the stages', () => {
  test('encoded prompts give the same numbers from their file, and no text is encoded', async () => {
    let text: readonly TextConditioning[] = [];
    const prompts = ['a red star', 'a blue circle'];
    const whole = await finish(run({ prompts }), (event) => {
      if (event.type === 'text') text = event.text;
    });
    const file = join(folder, 'text.safetensors');
    const asked = { prompts, loops: 1 };
    const saved = { text, prompts, texts: textsOf(pipeline, asked) };
    await saveText(file, saved);
    const read = await readText(file);
    expect(read).toEqual({ ...saved, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    assertSameText(file, read, pipeline, asked);
    for (const [other, message] of [
      [{ familyOptions: { aestheticScore: 6 } }, /the text "a red star.*asks for the text "a red star.*score: 6/],
      [{ negativePrompt: 'blue' }, /has no negative prompt, and this run asks for the text "blue"/],
    ] as const)
      expect(() => assertSameText(file, read, pipeline, { ...asked, ...other })).toThrow(message);
    const stages: string[] = [];
    const again = await finish(run({ prompts, text: read.text }), (event) => {
      if (event.type === 'stage') stages.push(event.stage);
    });
    expect(stages).toEqual(['denoise', 'decode']);
    expect(again.latents).toEqual(whole.latents);
    for (const [options, message] of [
      [{ prompts: ['a red star'] }, /2 prompts, not 1/],
      [{ prompts, guidanceScale: 1 }, /with guidance, and the run has none/],
      [{ prompts, loops: 2, frames: 34 }, /1 loops, not 2/],
    ] as const)
      await expect(finish(run({ ...options, text: read.text }))).rejects.toThrow(message);
    const wide = text.map(({ unconditional }) => ({
      conditional: { states: new Float32Array(2 * 3 * 16), dims: [2, 3, 16] as const },
      unconditional,
    }));
    await expect(finish(run({ prompts, text: wide }))).rejects.toThrow(/are 16 wide, and this model reads 12/);
  });

  test('latents give the same clips from their file', async () => {
    let latents: readonly Float32Array[] = [];
    const { videos, geometry } = await finish(run({ frames: 34, loops: 2, numSteps: 2 }), (event) => {
      if (event.type === 'latents') latents = event.latents;
    });
    const file = join(folder, 'latents.safetensors');
    await saveLatents(file, { latents, geometry, records: [record] });
    const read = await readLatents(file);
    expect(read).toEqual({ latents, geometry, records: [record] });
    const found = await finish(decode(pipeline, runtime, { latents: read.latents, geometry, prompts: 1 }));
    expect(found).toEqual(videos);
    await expect(readText(file)).rejects.toThrow(/not a file of encoded prompts.*--save-text/);
    await expect(readLatents('test/fixtures/pipeline/expected.safetensors')).rejects.toMatchObject({
      code: 'corrupt_file',
    });
  });
});
