// Leaps that follow the clip beside plans of fixed steps, found by trying, and what recipes of 8 bits keep of a clip: node examples/calibrate.mjs
// Settings are tiny, so that it is over soon; `quantcache calibrate` is the real thing.
import { createPolicy, createRuntime, finish, generate, openModel } from 'quantcache';
import { calibrate, noMeasurements, optionsOf, pick } from 'quantcache/calibration';
import { psnr } from 'quantcache/metrics';
import { defaultRecipes, quantizationMethods } from 'quantcache/quantization';

const prompts = ['a large green square moves left over a white background'];
const clip = { size: '32x32', frames: 17, seed: 5 };
const runtime = await createRuntime();
const pipeline = await openModel(runtime);
const make = async (opened, options) => {
  const { videos } = await finish(generate(opened, runtime, { prompts, ...clip, numSteps: 6, ...options }));
  return videos[0].data;
};
try {
  const settings = { model: { name: pipeline.model, hash: await pipeline.hash() }, guidanceScale: 4, geometry: {} };
  const request = {
    prompts,
    ...clip,
    guidanceScale: 4,
    numSteps: [6],
    precisions: ['fp32'],
    qualities: [30],
    budgets: [3, 4],
    trials: 2,
  };
  const candidates = await finish(calibrate(pipeline, runtime, request, noMeasurements(settings)));
  const best = pick(candidates, { quality: 30 });
  console.log(`${best.computed} of 6 steps computed: ${best.psnr.toFixed(1)} dB`);

  const full = await make(pipeline, { policy: createPolicy('full') });
  const planned = await make(pipeline, { policy: createPolicy('quantcache', optionsOf([best])) });
  console.log(`planned against full computation: ${psnr(full, planned, 2).toFixed(1)} dB`);

  const recipes = { 'the default recipe': defaultRecipes.w8a8, 'Q-DiT': quantizationMethods['q-dit'].recipe(8) };
  for (const [name, recipe] of Object.entries(recipes)) {
    const quantized = await openModel(runtime, { quantization: { recipes: { w8a8: recipe } } });
    const made = await make(quantized, { policy: createPolicy('full'), precision: 'w8a8' });
    console.log(`w8a8 by ${name}: ${psnr(full, made, 2).toFixed(1)} dB`);
    await quantized[Symbol.asyncDispose]();
  }
} finally {
  await pipeline[Symbol.asyncDispose]();
}
