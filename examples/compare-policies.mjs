// Acceleration methods against full computation: node examples/compare-policies.mjs [PROMPT]
import { createPolicy, createRuntime, finish, generate, openModel } from 'quantcache';
import { psnr } from 'quantcache/metrics';
import { summarize } from 'quantcache/trace';

const [prompt = 'a small white circle spins over a black background'] = process.argv.slice(2);
const runtime = await createRuntime();
const pipeline = await openModel(runtime);
const make = (name, options) =>
  finish(
    generate(pipeline, runtime, { prompts: [prompt], policy: createPolicy(name, options), numSteps: 10, seed: 1 }),
  );
try {
  const computed = ({ trace }) => summarize(trace).levels.find(({ level }) => level === 'module').compute;
  const full = await make('full');
  for (const [name, options] of [
    ['static', { every: 2 }],
    ['teacache', { threshold: 0.6 }],
    ['taylorseer', { interval: 3 }],
  ]) {
    const run = await make(name, options);
    const fidelity = psnr(full.videos[0].data, run.videos[0].data, 2);
    console.log(`${name}: ${computed(run)} of ${computed(full)} modules computed, ${fidelity.toFixed(1)} dB`);
  }
} finally {
  await pipeline[Symbol.asyncDispose]();
}
