/**
 * One run in the engine: an order to files. It decides, makes and records as `quantcache generate` does, so the same options
 * give the same bytes.
 *
 * Files are named by the attempt and appear whole, and only its result names them: what an attempt leaves that died is never
 * taken for one.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fitDecision, loadReference, picturesOf, recordOf } from '../../api/run.ts';
import { decisionMap, summarizeDocument, traceDocument } from '../../api/trace.ts';
import { assertFormat, contactSheet, findSharp, frameAt, framesOf, makeFrames } from '../../api/video.ts';
import {
  decideRun,
  type Frames,
  finish,
  type GenerateEvent,
  type GenerateResult,
  generate,
  generateOptionsOf,
  type Pipeline,
  QuantCacheError,
  type RunDecision,
  type Runtime,
  saveVideo,
} from '../../index.ts';
import type { Variant } from '../api.ts';
import type { JobResult } from '../job.ts';
import { keepRun } from './keep.ts';
import type { EngineOptions, FromEngine, RunOrder } from './messages.ts';
import { readable } from './readable.ts';
import { showRun } from './show.ts';
import { stepKinds } from './steps.ts';

/** What an engine has open. */
export interface OpenEngine {
  readonly pipeline: Pipeline;
  readonly runtime: Runtime;
  readonly options: EngineOptions;
  readonly maxPixels: number;
}

/** Makes a run and its files. Throws what the engine throws; `aborted` with the signal. */
export async function makeClip(
  engine: OpenEngine,
  order: RunOrder,
  { signal, say }: { signal: AbortSignal; say: (message: FromEngine) => void },
): Promise<JobResult> {
  const { pipeline, runtime, options } = engine;
  const { request, folder, attempt, image } = order;
  const file = (name: string) => join(folder, `${attempt}.${name}`);
  const asked = { ...request.run, ...(image !== undefined && { image: join(folder, image) }) };
  assertModel(pipeline, request.modelName);
  assertNoFiles(pipeline, asked.prompts);
  const decided = await decideRun(pipeline, asked);
  const size = pipeline.geometry(decided.run);
  assertCost(size, decided.run.loops, engine.maxPixels);
  const decision = fitDecision(pipeline, decided);
  const { run } = decision;
  const video = file(request.outputFormat);
  await assertFormat(video, { ...size, count: size.numFrames });
  for (const message of decision.warnings) say({ type: 'warning', message });
  // Only the picture's own name goes into the clip's file, not where the server keeps it.
  const pictures = (await picturesOf(pipeline, run)).map((picture) => ({ ...picture, file: image! }));
  const picture = image === undefined ? undefined : await loadReference(run.image!, size);
  const began = performance.now();
  const references = picture && [[picture]];
  const named: RunDecision = { ...decision, run: { ...run, ...(image !== undefined && { image }) } };
  const { model, vae, textEncoder, device, threads } = options;
  const source = { model, vae, textEncoder, device, threads };
  const record = (computed: Readonly<Record<string, number>>) =>
    recordOf(0, { decision: named, pipeline, runtime, source, pictures, computed });
  const kept = await keepRun({ runtime, options, folder, record: await record({}), say });
  const events = generate(pipeline, runtime, { ...generateOptionsOf(run), references, state: kept.state, signal });
  await using previews = await showRun(engine, order, { geometry: size, say });
  const result = await finish(events, async (event) => {
    tell(event, run, say);
    await previews.offer(event);
    if (event.type === 'step' && event.canSave) await kept.offer();
  });
  const document = traceDocument(result.trace, {
    model: pipeline.model,
    blocks: pipeline.network.blocks,
    policy: decision.profile === undefined ? run.policy : `${run.policy} ${decision.profile}`,
    numSteps: run.numSteps,
    flops: (module) => pipeline.costs.of(module, result.geometry).flops,
  });
  const summary = summarizeDocument(document);
  say({ type: 'event', stage: 'save', done: 0, total: 1 });
  const saving = performance.now();
  const frames = framesOf(result.videos[0]!, result.fps);
  // At once: pictures are encoded by threads of their own, and disks write several files as fast as one.
  const [thumbnail, spritesheet] = await allOf([
    savePicture(middleOf(frames), file('thumbnail'), signal),
    savePicture(contactSheet(frames, { gap: 0 }), file('spritesheet'), signal),
    record(summary.precisions).then((made) => saveVideo(frames, video, made, signal)),
    writeFile(file('map.svg'), decisionMap(document), { mode: 0o600 }),
    request.trace && writeFile(file('trace.json'), `${JSON.stringify(document)}\n`, { mode: 0o600 }),
  ]);
  const bytes = await readFile(video);
  const files: Partial<Record<Variant, string>> = {
    video: basename(video),
    thumbnail,
    spritesheet,
    ...(request.trace && { trace: basename(file('trace.json')) }),
    decision_map: basename(file('map.svg')),
  };
  const { flops, quality } = summary;
  return {
    files,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    profile: decision.profile ?? null,
    policy: run.policy,
    policyOptions: readable(run.policyOptions),
    precision: run.precision ?? null,
    sampler: run.sampler,
    guidanceScale: run.guidanceScale,
    numSteps: run.numSteps,
    times: timesOf(result, { saving, began }),
    speedup: flops && flops.computed > 0 ? flops.full / flops.computed : null,
    ...(quality !== undefined && { estimatedQuality: Math.round(10 * quality) / 10 }),
    steps: stepKinds(document.decisions),
  };
}

/** A queue outlives the processes that it was filled by. */
function assertModel(pipeline: Pipeline, name: string): void {
  if (pipeline.model === name) return;
  throw new QuantCacheError(
    'weights_mismatch',
    `The job is for the model ${name}, and the process that took it has ${pipeline.model}. Start all servers and workers of a queue with the same --model, and retry the job.`,
  );
}

/** A prompt may name files in some models' notation; a server reads none that somebody else chose. */
function assertNoFiles(pipeline: Pipeline, prompts: readonly string[]): void {
  if (prompts.some((prompt) => pipeline.text.prepare(prompt).references.length > 0))
    throw new QuantCacheError(
      'invalid_option',
      'The prompt names a file, which a server does not read. Send the picture as input_reference.',
    );
}

function assertCost(size: { height: number; width: number; numFrames: number }, loops: number, most: number): void {
  const { height, width, numFrames } = size;
  if (height * width * numFrames * loops <= most) return;
  throw new QuantCacheError(
    'invalid_option',
    `${numFrames * loops} frames of ${width}x${height} are more than the ${most} pixels that a clip may have here. Ask for a smaller size or fewer frames.`,
  );
}

function tell(event: GenerateEvent, { numSteps, loops }: RunDecision['run'], say: (message: FromEngine) => void): void {
  if (event.type === 'warning') say({ type: 'warning', message: event.message });
  else if (event.type === 'stage') say({ type: 'event', stage: event.stage, done: 0, total: numSteps * loops });
  else if (event.type === 'step') {
    const [did] = stepKinds(event.decisions);
    say({
      type: 'event',
      stage: 'denoise',
      done: event.loop * numSteps + event.step + 1,
      total: numSteps * loops,
      did,
    });
  } else if (event.type === 'frames') {
    const { decoded, total, loop } = event;
    say({ type: 'event', stage: 'decode', done: loop * total + decoded, total: total * loops });
  }
}

/** As `Promise.all`, but ends when all have: what fails leaves nothing going on. */
async function allOf<const Promises extends readonly unknown[]>(promises: Promises) {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

const middleOf = (frames: Frames): Frames => makeFrames(frameAt(frames, frames.count >> 1), { ...frames, count: 1 });

/** Saves a picture as WebP, in the fastest way that there is, or as PNG where no package for WebP is installed; its file's name. */
async function savePicture(frames: Frames, path: string, signal: AbortSignal): Promise<string> {
  const sharp = await findSharp();
  const picture = `${path}.${sharp ? 'webp' : 'png'}`;
  if (!sharp) await saveVideo(frames, picture, {}, signal);
  else {
    const { data, width, height } = frames;
    const webp = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false }).webp({ effort: 0 });
    await writeFile(picture, await webp.toBuffer(), { mode: 0o600 });
  }
  return basename(picture);
}

function timesOf(
  { times }: GenerateResult,
  { saving, began }: { saving: number; began: number },
): Record<string, number> {
  const now = performance.now();
  const all = { ...times, save: now - saving, total: now - began };
  return Object.fromEntries(Object.entries(all).map(([stage, time]) => [stage, Math.round(time * 10) / 10]));
}
