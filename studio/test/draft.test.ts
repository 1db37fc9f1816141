import { expect, test } from 'vitest';
import { blank, type Draft, mostFrames, requestOf, settled } from '../src/state/draft.ts';
import { capabilities } from './fake/offer.ts';

const can = capabilities.models[0]!.quantcache;
const form: Draft = { ...blank, prompt: ' a star ', seed: '7' };

test('what was not chosen is the default of the model', () => {
  const request = requestOf(form, can, 'demo');
  expect(request).toMatchObject({ prompt: 'a star', size: '64x64', num_frames: 17, fps: 8, num_inference_steps: 30 });
  expect(request).toMatchObject({ guidance_scale: 4, seed: '7', quantcache: { profile: 'balanced' } });
  expect(request).not.toHaveProperty('negative_prompt');
});

test('what was typed is asked for, though the server may refuse it', () => {
  const request = requestOf({ ...form, steps: 300, guidance: 0, fps: 1000 }, can, 'demo');
  expect(request).toMatchObject({ num_inference_steps: 300, guidance_scale: 0, fps: 1000 });
  expect(requestOf({ ...form, steps: 0 }, can, 'demo')).toMatchObject({ num_inference_steps: 0 });
});

test('a profile that the model has not gives way to one that it has, or to full computation', () => {
  expect(settled({ ...form, aim: { by: 'profile', profile: 'none' } }, can).aim).toEqual({
    by: 'profile',
    profile: 'balanced',
  });
  expect(settled(form, { ...can, profiles: [] }).aim).toEqual({ by: 'policy', policy: 'full' });
});

test('a clip is never longer than the limit of pixels allows, in whole multiples', () => {
  expect(mostFrames({ size: '64x64', loops: 1 }, can)).toBe(102);
  const most = mostFrames({ size: '512x512', loops: 1 }, can);
  expect(most * 512 * 512).toBeLessThanOrEqual(can.limits.max_pixels);
  expect(settled({ ...form, size: '256x256', frames: 102 }, can).frames % can.frame_multiple).toBe(0);
  expect(settled({ ...form, size: '512x512', frames: 102 }, can).frames).toBe(most);
});

test('each kind of aim asks for one thing', () => {
  const asked = (aim: Draft['aim']) => requestOf({ ...form, aim }, can, 'demo').quantcache;
  expect(asked({ by: 'quality', decibels: 40 })).toEqual({ quality: 40, trace: true, preview: true });
  expect(asked({ by: 'speedup', times: 8 })).toEqual({ speedup: 8, trace: true, preview: true });
  expect(asked({ by: 'policy', policy: 'full' })).toEqual({ policy: 'full', trace: true, preview: true });
});

test('a negative prompt is sent only to models that take one', () => {
  const draft = { ...form, negativePrompt: 'blur' };
  expect(requestOf(draft, can, 'demo')).toHaveProperty('negative_prompt', 'blur');
  expect(requestOf(draft, { ...can, negative_prompt: false }, 'demo')).not.toHaveProperty('negative_prompt');
});
