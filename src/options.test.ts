/** Every public function that takes options refuses names that it does not know. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calibrate, measure, noMeasurements, openPrompt, tryRecipes } from './api/calibration.ts';
import { verifiers, verifyFolder } from './api/verification.ts';
import { contactSheet, makeFrames } from './api/video.ts';
import { denoise } from './denoise.ts';
import {
  createPolicy,
  createRuntime,
  decideRun,
  finish,
  generate,
  openModel,
  type Pipeline,
  type Runtime,
} from './index.ts';
import { checkOptionNames, suggestion } from './options.ts';

let runtime: Runtime;
let pipeline: Pipeline;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime);
});
afterAll(() => pipeline[Symbol.asyncDispose]());

it('names what was given, what is known and what was likely meant', () => {
  const check = (given: unknown) => () => checkOptionNames(given, { frames: true, numSteps: true }, 'generate()');
  expect(check({ frames: 1 })).not.toThrow();
  expect(check({ numFrames: 1 })).toThrow(
    'generate() has no option "numFrames" (did you mean "frames"?). It knows frames, numSteps.',
  );
  expect(check({ steps: 1, toString: 1, qqqqqqqq: 1 })).toThrow(
    'no option "steps" (did you mean "numSteps"?), "toString", "qqqqqqqq". It',
  );
  for (const none of [null, undefined, 'frames', [1]]) expect(check(none)).toThrow('must be an object, such as {}');
});

it('suggests the nearest name, and none where nothing is near', () => {
  const known = ['seed', 'guidanceScale', 'numSteps'];
  expect(suggestion('sed', known)).toContain('"seed"');
  expect(suggestion('GuidanceScal', known)).toContain('"guidanceScale"');
  expect(suggestion('prompts', known)).toBe('');
  expect(suggestion('', known)).toBe('');
});

const wrong: Record<string, unknown> = { unknownName: 1 };
const request = { prompts: ['a red star'], seed: 1, numSteps: [2], ...wrong };
const frames = makeFrames(new Uint8Array(12), { count: 1, width: 2, height: 2, fps: 8 });

it.each<[string, () => unknown]>([
  ['createRuntime', () => createRuntime({ ...wrong })],
  ['openModel', () => openModel(runtime, { ...wrong })],
  ['the quantization of a model', () => openModel(runtime, { quantization: { ...wrong } })],
  [
    'generate',
    () => finish(generate(pipeline, runtime, { prompts: ['a red star'], policy: createPolicy('full'), ...wrong })),
  ],
  ['decideRun', () => decideRun(pipeline, { prompts: ['a red star'], ...wrong })],
  ['createPolicy', () => createPolicy('full', wrong)],
  ['familyOptions', () => decideRun(pipeline, { prompts: ['a red star'], familyOptions: wrong })],
  ['denoise', () => denoise(wrong as never).next()],
  ['contactSheet', () => contactSheet(frames, { ...wrong })],
  ['verifyFolder', () => verifyFolder(runtime, 'nowhere', { verifiers: verifiers(), ...wrong }).next()],
  ['measure', () => measure(pipeline, runtime, request, noMeasurements(undefined as never)).next()],
  ['openPrompt', () => openPrompt(pipeline, runtime, request, { prompt: 'a red star', seed: 1, numSteps: 2 })],
  [
    'calibrate',
    () =>
      calibrate(
        pipeline,
        runtime,
        { ...request, precisions: [], qualities: [], budgets: [], trials: 1 },
        undefined as never,
      ).next(),
  ],
  ['tryRecipes', () => tryRecipes(() => openModel(runtime), runtime, { ...request, precisions: [] }).next()],
])('%s refuses an option that it does not know', async (_, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringContaining('"unknownName"'),
  });
});
