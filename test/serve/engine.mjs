/**
 * An engine that only pretends, for tests of the server: it speaks as `src/serve/engine/child.ts` does, and its clips are a few
 * bytes. The prompt says how it behaves: `crash`, `greedy` (runs out of memory), `hang`, `deaf` (does not stop), `fail`, `slow`
 * (a second), `long` (five), else it is quick.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';

const capabilities = {
  sizes: ['64x64', '128x64'],
  default_frames: 17,
  default_fps: 8,
  default_steps: 30,
  default_guidance_scale: 4,
  fps: { min: 0.1, max: 1000 },
  max_frames: 816,
  frame_multiple: 17,
  profiles: [
    { name: 'quality', quality: 44, speedup: 3, target_quality: 41, size: '64x64', num_frames: 17, steps: [30] },
    { name: 'balanced', quality: 39, speedup: 5, target_quality: 39, size: '64x64', num_frames: 17, steps: [30] },
    { name: 'fast', quality: 32, speedup: 7, target_quality: null, size: '64x64', num_frames: 17, steps: [30] },
  ],
  samplers: ['euler', 'unipc'],
  precisions: ['fp32', 'w8a8', 'w4a8', 'w4a6'],
  negative_prompt: false,
  input_reference: true,
  previews: true,
  limits: {
    min_side: 16,
    max_side: 4704,
    max_area: 1114112,
    max_pixels: 1114112,
    max_steps: 250,
    max_guidance_scale: 100,
  },
};

const steps = 5;
let stopped = false;
const say = (message) => process.connected && process.send(message);
const failure = (code, message) => ({ type: 'failed', error: { code, message } });

process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.type === 'open') say({ type: 'ready', offer: { model: 'demo', capabilities, policies: [] } });
  else if (message.type === 'abort') stopped = true;
  else void run(message.order);
});

/** Lines of what was begun and ended, for tests that count. */
function note(order, what) {
  if (process.env.FAKE_ENGINE_LOG)
    appendFileSync(process.env.FAKE_ENGINE_LOG, `${order.id} ${order.attempt} ${what}\n`);
}

async function run(order) {
  stopped = false;
  const [prompt] = order.request.run.prompts;
  const says = (word) => prompt.split(' ').includes(word);
  note(order, 'begun');
  say({ type: 'event', stage: 'text', done: 0, total: steps });
  if (says('crash')) process.kill(process.pid, 'SIGSEGV');
  if (says('greedy')) eat();
  if (says('fail')) return say(failure('not_finite', 'The latents hold NaN.'));
  if (says('hang')) return;
  if (says('warn')) say({ type: 'warning', message: 'As the prompt asks.' });
  for (let step = 1; step <= steps; step++) {
    await wait(
      says('slow') ? 200 : says('deaf') ? 2000 : says('long') ? 1000 : Number(process.env.FAKE_ENGINE_STEP ?? 4),
    );
    if (stopped && !says('deaf')) return say(failure('aborted', 'Stopped.'));
    if (order.request.preview) {
      writeFileSync(join(order.folder, `${order.attempt}.preview.png`), `step ${step}`);
      say({ type: 'preview', step });
    }
    say({ type: 'event', stage: 'denoise', done: step, total: steps, did: step % 2 ? 'computed' : 'reused' });
  }
  say({ type: 'done', result: write(order) });
  note(order, 'ended');
}

/** Takes memory until V8 ends the process. */
function eat() {
  setFlagsFromString('--max-old-space-size=32');
  for (const kept = []; ; ) kept.push(new Array(2_000_000).fill(0.5 + kept.length));
}

function write({ folder, attempt, request }) {
  const { run, outputFormat } = request;
  const video = `${attempt}.${outputFormat}`;
  const bytes = Buffer.from(`clip of ${run.prompts[0]} by seed ${run.seed}`);
  writeFileSync(join(folder, `${video}.part`), bytes);
  renameSync(join(folder, `${video}.part`), join(folder, video));
  const files = {
    video,
    thumbnail: `${attempt}.thumbnail.png`,
    spritesheet: `${attempt}.spritesheet.png`,
    decision_map: `${attempt}.map.svg`,
  };
  if (request.trace) files.trace = `${attempt}.trace.json`;
  for (const [variant, name] of Object.entries(files))
    if (variant !== 'video') writeFileSync(join(folder, basename(name)), variant);
  return {
    files,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    profile: 'balanced',
    policy: 'quantcache',
    policyOptions: {},
    precision: 'w8a8',
    sampler: 'euler',
    guidanceScale: run.guidanceScale,
    numSteps: run.numSteps,
    times: { text: 1, reference: 0, denoise: 20, decode: 5, save: 1, total: 27 },
    speedup: 9,
    steps: Array.from({ length: steps }, (_, i) => (i % 2 ? 'reused' : 'computed')),
  };
}
