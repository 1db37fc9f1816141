// Every decision of a run, counted and drawn: node examples/inspect-trace.mjs [FILE.svg]
import { writeFile } from 'node:fs/promises';
import { createPolicy, createRuntime, finish, generate, openModel } from 'quantcache';
import { decisionMap, traceDocument } from 'quantcache/trace';

const [file = 'decisions.svg'] = process.argv.slice(2);
const runtime = await createRuntime();
const pipeline = await openModel(runtime);
try {
  const policy = createPolicy('fora', { interval: 3 });
  const prompts = ['a large green triangle bounces over a checkerboard'];
  const { trace } = await finish(generate(pipeline, runtime, { prompts, policy, numSteps: 9 }));
  for (const { step, path, did } of trace.decisions.filter(({ level }) => level === 'module').slice(0, 6))
    console.log(`step ${step}: ${path} ${did}`);
  const { model } = pipeline;
  const origin = { model, policy: policy.name, numSteps: 9, blocks: pipeline.network.blocks, flops: () => 1 };
  await writeFile(file, decisionMap(traceDocument(trace, origin)));
  console.log(file);
} finally {
  await pipeline[Symbol.asyncDispose]();
}
