// A clip from a prompt, with progress: node examples/generate.mjs [PROMPT] [FILE]
import { createPolicy, createRuntime, generate, openModel, saveVideo } from 'quantcache';
import { framesOf } from 'quantcache/video';

const [prompt = 'a large red star moves right over a blue background', file = 'star.mp4'] = process.argv.slice(2);
const runtime = await createRuntime();
const pipeline = await openModel(runtime);
try {
  const policy = createPolicy('full');
  const run = generate(pipeline, runtime, { prompts: [prompt], policy, precision: 'w8a8', numSteps: 10, seed: 7 });
  let event = await run.next();
  for (; !event.done; event = await run.next()) {
    if (event.value.type === 'step') console.error(`step ${event.value.step + 1} of ${event.value.numSteps}`);
    if (event.value.type === 'warning') console.error(event.value.message);
  }
  const [video] = event.value.videos; // [3, frames, height, width] in [-1, 1]
  await saveVideo(framesOf(video, event.value.fps), file, {
    prompt,
    seed: 7,
  });
  console.log(file);
} finally {
  await pipeline[Symbol.asyncDispose]();
}
