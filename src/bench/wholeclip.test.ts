/** Whole clips measured stage by stage, and decisions done again on another model. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTraceDocument, traceDocument } from '../api/trace.ts';
import {
  createPolicy,
  createRuntime,
  decideRun,
  finish,
  generate,
  generateOptionsOf,
  openModel,
  type Pipeline,
  type Runtime,
} from '../index.ts';
import { replayOf } from './replay.ts';
import { watchResident } from './resident.ts';
import { measureClip } from './wholeclip.ts';

let runtime: Runtime;
let pipeline: Pipeline;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime, { model: 'test/fixtures/pipeline' });
});
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
});

const size = { size: '32x32', frames: 17 } as const;

/** The trace of some decisions, a step for each letter: c computed, r leapt over. */
function traceOf(steps: string, more: object[] = []) {
  const paths = pipeline.network.blocks.flatMap(({ children = [] }) => children.map(({ path }) => path));
  const decisions = [...steps].flatMap((letter, step) =>
    [
      ...(letter === 'c' ? paths : []).map((path) => ({ path, level: 'module', did: 'compute' })),
      { path: 'step', level: 'step', did: letter === 'c' ? 'compute' : 'reuse' },
    ].map((decision) => ({ step, precision: 'w8a8', ...decision })),
  );
  const document = {
    ...{ format: 'quantcache-trace', version: 1, model: 'other', policy: 'any', numSteps: steps.length },
    ...{ blocks: [], decisions: [...decisions, ...more], measurements: [], warnings: [] },
  };
  return parseTraceDocument(JSON.stringify(document), 'trace.json');
}

const options = { prompts: ['a red star'], seed: 3, ...size };

test('every stage has its time and memory', async () => {
  const { run } = await decideRun(pipeline, { ...options, policy: 'full', numSteps: 2 });
  const clip = await measureClip(pipeline, runtime, run);
  expect(clip).toMatchObject({ height: 32, width: 32, frames: 17, numSteps: 2, computed: 2, precisions: ['fp32'] });
  expect(Object.keys(clip.stages)).toEqual(['text', 'denoise', 'decode', 'save']);
  const sum = Object.values(clip.stages).reduce((all, { milliseconds }) => all + milliseconds, 0);
  expect(clip.milliseconds).toBeGreaterThanOrEqual(sum);
  expect(clip.milliseconds).toBeLessThan(sum + 100);
  expect(clip.file).toBeGreaterThan(500);
});

test.skipIf(process.platform !== 'linux')(
  'anonymous memory is told from mapped, also while nothing else can run',
  async () => {
    using watch = watchResident();
    await new Promise((done) => setTimeout(done, 200)); // the thread begins
    const before = watch.peak()!;
    const work = () => Buffer.alloc(2 ** 27, 1).length; // 128 MB, gone when it returns
    expect(work()).toBe(2 ** 27);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    expect(watch.peak()!.anonymous - before.anonymous).toBeGreaterThan(2 ** 26);
    expect(before.mapped).toBeGreaterThan(2 ** 20);
  },
);

test.each([4, 1])(
  'decisions are done again: the same steps, the same precision, guidance %d',
  async (guidanceScale) => {
    const { numSteps, precision, options: policyOptions } = replayOf(traceOf('ccrrcrr'), guidanceScale, 'trace.json');
    const asked = { ...options, guidanceScale, numSteps, precision, policyOptions, policy: 'quantcache' };
    const { run } = await decideRun(pipeline, asked);
    const clip = await measureClip(pipeline, runtime, run);
    expect(clip).toMatchObject({ numSteps: 7, computed: 3, precisions: ['w8a8'] });
    const { trace } = await finish(generate(pipeline, runtime, generateOptionsOf(run)));
    const steps = trace.decisions.filter(({ level }) => level === 'step');
    expect(steps.map(({ did }) => did[0]).join('')).toBe('ccrrcrr');
  },
);

test('leaps hold the last velocity: replaying full computation is full computation', async () => {
  const full = await finish(generate(pipeline, runtime, { ...options, numSteps: 3, policy: createPolicy('full') }));
  const document = traceDocument(full.trace, {
    ...{ model: 'small', policy: 'full', numSteps: 3, blocks: pipeline.network.blocks, flops: () => 1 },
  });
  const { computed, precision } = replayOf(document, 4, 'trace.json');
  expect([computed, precision]).toEqual([[0, 1, 2], 'fp32']);
});

test('what is decided within steps is refused', () => {
  const reuse = { step: 1, path: 'spatial_blocks.0.mlp', level: 'module', did: 'reuse', precision: 'w8a8' };
  expect(() => replayOf(traceOf('ccr', [reuse]), 4, 'trace.json')).toThrow(/trace\.json cannot be replayed: spatial/);
  const other = { step: 1, path: 'spatial_blocks.0.mlp', level: 'module', did: 'compute', precision: 'fp32' };
  expect(() => replayOf(traceOf('ccr', [other]), 4, 'trace.json')).toThrow(/w8a8 and fp32 precisions/);
});
