// What a clip's file says of its making, and the same bytes made again from it: node examples/record-run.mjs [FILE]
import { createRuntime, decideRun, finish, generate, openModel, saveVideo } from 'quantcache';
import { generateOptionsOf, parseRunOptions, readRecord, recordOf } from 'quantcache/run';
import { summarize } from 'quantcache/trace';
import { contactSheet, framesOf } from 'quantcache/video';

const [file = 'recorded.mp4'] = process.argv.slice(2);
const runtime = await createRuntime();
const pipeline = await openModel(runtime);

async function make(asked) {
  const decision = await decideRun(pipeline, parseRunOptions(asked));
  const { videos, fps, trace } = await finish(generate(pipeline, runtime, generateOptionsOf(decision.run)));
  const { precisions: computed } = summarize(trace);
  return { decision, computed, frames: framesOf(videos[0], fps) };
}

try {
  const { frames, ...made } = await make({
    prompts: ['a small yellow circle moves up over a black background'],
    policy: 'teacache',
    numSteps: 6,
    size: '32x32',
    seed: 3,
  });
  await saveVideo(frames, file, await recordOf(0, { ...made, pipeline, runtime, source: {}, pictures: [] }));
  await saveVideo(contactSheet(frames, { columns: 4 }), file.replace(/\.\w+$/, '.png'));

  const { run } = await readRecord(file);
  console.log(`${file}: policy ${run.policy}, ${run.numSteps} steps, seed ${run.seed}, ${run.size}`);
  const again = await make(run);
  if (Buffer.compare(frames.data, again.frames.data) !== 0) throw new Error('made again, it has other bytes');
  console.log('made again: the same bytes');
} finally {
  await pipeline[Symbol.asyncDispose]();
}
