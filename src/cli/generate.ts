/** `quantcache generate`: prompts to video files. */

import { extname } from 'node:path';
import { Command, Option } from 'commander';
import { assertOutputs } from '../files/outputs.ts';
import {
  assertFormat,
  type Clip,
  createPolicy,
  findDefaultProfile,
  finish,
  fittedOptions,
  framesFromDecoded,
  type GenerateResult,
  generate,
  loadImage,
  loadProfile,
  openModel,
  type Pipeline,
  type Precision,
  precisions,
  QuantCacheError,
  type Runtime,
  type SizeRequest,
  saveVideo,
  summarizeDocument,
  summaryLines,
  type TraceDocument,
  traceDocument,
  version,
} from '../index.ts';
import { startRuntime } from './device.ts';
import { assertMemory } from './memory.ts';
import { finiteNumber, keyValue, type ModelFlags, wholeNumber, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';
import { writeTrace } from './trace.ts';
import { checkPrompts } from './words.ts';

interface Flags extends ModelFlags, SizeRequest {
  out: string;
  steps?: number;
  sampler?: string;
  negativePrompt?: string;
  guidance?: number;
  seed: string;
  loops?: number;
  image?: string;
  maskStrategy?: string;
  aestheticScore?: number;
  motionScore?: number;
  cameraMotion?: string;
  profile?: string;
  policy?: string;
  policyOption?: Record<string, unknown>;
  cacheMemory?: number;
  precision: Precision;
  trace?: string;
  json?: boolean;
  quiet?: boolean;
}

const examples = `
Examples:
  quantcache generate "a large red star moves right over a blue background" -o star.mp4
  quantcache generate "a forest at dawn" -m hpcai-tech/OpenSora-STDiT-v3 --resolution 240p --duration 2s -o forest.mp4
  quantcache generate "the ship sails on" --image ship.png --loops 2 -o ship.webm`;

export function command(): Command {
  const generateCommand = new Command('generate')
    .description('make a video for each prompt')
    .argument('<prompts...>', 'what to show; several prompts give several files')
    .option('-o, --out <file>', 'file to write: .mp4, .webm, .gif, .webp or .png', 'video.mp4')
    .option('--steps <count>', 'denoising steps', wholeNumber(1))
    .option('--sampler <name>', 'how steps are taken: euler, unipc, unipc-3, dpm-solver++, adams-bashforth, heun')
    .option('--negative-prompt <text>', 'what not to show, for models that take such a prompt')
    .option('--guidance <scale>', 'classifier-free guidance; 1 turns it off', finiteNumber)
    .option('--seed <number>', 'seed of the noise, as of PyTorch on a CPU', '42')
    .option('--loops <count>', 'clips that continue each other', wholeNumber(1))
    .option('--image <file>', 'first frame')
    .option('--mask-strategy <text>', "how references are used, in Open-Sora's notation")
    .option('--aesthetic-score <score>', 'added to the prompt where the model was trained with it', finiteNumber)
    .option('--motion-score <score>', 'added to the prompt', finiteNumber)
    .option('--camera-motion <words>', 'added to the prompt')
    .option(
      '--profile <name>',
      "the model's quality, balanced or fast, or a .json file that calibrate wrote; default: balanced, where the model has it",
    )
    .option(
      '-p, --policy <name>',
      'what to compute, reuse and skip, instead of a profile: full for everything; "quantcache policies" lists them',
    )
    .option('--policy-option <name=value>', 'an option of the policy; may be given again', keyValue)
    .option('--cache-memory <megabytes>', 'the most that quantcache may hold of earlier steps', finiteNumber)
    .addOption(
      new Option('--precision <precision>', 'number format of linear layers').choices(precisions).default('fp32'),
    )
    .option('--trace <file>', 'write every decision to a .json file, for "inspect --trace"')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'no progress');
  return withSize(withModel(generateCommand)).addHelpText('after', examples).action(run);
}

async function run(prompts: string[], flags: Flags): Promise<void> {
  const began = performance.now();
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet), { keepsStages: true });
  checkPrompts(prompts, process.argv.slice(2));
  const files = prompts.map((_, i) => fileName(flags.out, i, prompts.length));
  await assertFiles(files, flags);
  const chosen = chosenPolicy(flags);
  const runtime = await startRuntime(flags, signal);
  await using pipeline = await openModel(runtime, { ...flags, signal, onProgress: progress.downloading });
  const { policy, name: policyName } = await policyOn(pipeline, flags, chosen);
  const opened = performance.now();
  const size = pipeline.geometry(flags);
  assertMemory(pipeline, size, { prompts: prompts.length, loops: flags.loops });
  for (const file of files) await assertFormat(file, { ...size, count: size.numFrames });
  const references = await Promise.all(
    prompts.map((prompt) => {
      const { references } = pipeline.text.prepare(prompt, familyOptions(flags, prompts.length));
      const files = [...(flags.image ? [flags.image] : []), ...references];
      return Promise.all(files.map((file) => loadReference(file, size)));
    }),
  );
  const events = generate(pipeline, runtime, {
    ...flags,
    prompts,
    policy,
    numSteps: flags.steps,
    guidanceScale: flags.guidance,
    references,
    familyOptions: familyOptions(flags, prompts.length),
    signal,
  });
  const result = await finish(events, progress.generating);
  const saving = performance.now();
  for (const [i, file] of files.entries()) {
    const { data, frames: count, height, width } = result.videos[i]!;
    const frames = framesFromDecoded(data, { count, height, width, fps: result.fps });
    const metadata = {
      prompt: prompts[i],
      seed: flags.seed,
      model: pipeline.model,
      policy: policyName,
      sampler: result.sampler,
      precision: flags.precision,
      version,
    };
    await saveVideo(frames, file, metadata, signal);
  }
  progress.end();
  const document = traceDocument(result.trace, {
    model: pipeline.model,
    blocks: pipeline.network.blocks,
    policy: policyName,
    numSteps: flags.steps ?? pipeline.defaults.numSteps,
    flops: (module) => pipeline.costs.of(module, result.geometry).flops,
  });
  if (flags.trace) await writeTrace(flags.trace, document);
  const times = {
    open: opened - began,
    ...result.times,
    save: performance.now() - saving,
    total: performance.now() - began,
  };
  report({ files, times, result, document, runtime, json: Boolean(flags.json), tell: progress.tell });
}

/** What only the model's own family understands, as far as it was asked for; a family without an option refuses it. */
function familyOptions({ aestheticScore, motionScore, cameraMotion, maskStrategy }: Flags, prompts: number) {
  const maskStrategies = maskStrategy === undefined ? undefined : Array<string>(prompts).fill(maskStrategy);
  const asked = Object.entries({ aestheticScore, motionScore, cameraMotion, maskStrategies });
  return Object.fromEntries(asked.filter(([, value]) => value !== undefined));
}

/** The policy that the flags name; undefined where a profile decides. Throws `invalid_option` for flags that exclude each other. */
function chosenPolicy({ policy, policyOption, profile, precision }: Flags): string | undefined {
  if (policy === undefined && policyOption !== undefined)
    throw new QuantCacheError('invalid_option', '--policy-option needs a --policy; "quantcache policies" lists them.');
  if (policy !== undefined && profile !== undefined)
    throw new QuantCacheError('invalid_option', 'Both --policy and --profile are given; give one of them.');
  if (policy !== undefined) createPolicy(policy, policyOption);
  return policy ?? (precision !== 'fp32' && profile === undefined ? 'full' : undefined);
}

/** The policy named, with what was fitted to the model; else that of a profile, by default the model's own. */
async function policyOn(pipeline: Pipeline, { profile, policyOption, cacheMemory }: Flags, chosen: string | undefined) {
  const memory = cacheMemory === undefined ? {} : { cacheMemory };
  if (chosen !== undefined) {
    const options = { ...(await fittedOptions(chosen, pipeline)), ...policyOption, ...memory };
    return { policy: createPolicy(chosen, options), name: chosen };
  }
  const found = profile === undefined ? await findDefaultProfile(pipeline) : await loadProfile(profile, pipeline);
  if (!found) return { policy: createPolicy('full'), name: 'full' };
  return { policy: createPolicy('quantcache', { ...found.options, ...memory }), name: `quantcache ${found.name}` };
}

/** Checks everything that the flags name files for, before anything is computed. */
async function assertFiles(clips: readonly string[], { trace, image, profile }: Flags): Promise<void> {
  for (const clip of clips) await assertFormat(clip);
  const named = (path: string | undefined, option: string) => (path === undefined ? [] : [{ path, option }]);
  const outputs = [...clips.map((path) => ({ path, option: '--out' })), ...named(trace, '--trace')];
  await assertOutputs(outputs, [...named(image, '--image'), ...named(profile, '--profile')]);
}

/** `name.mp4` for one prompt, `name-1.mp4`, `name-2.mp4`... for several. */
function fileName(out: string, index: number, count: number): string {
  if (count === 1) return out;
  const extension = extname(out);
  return `${out.slice(0, out.length - extension.length)}-${index + 1}${extension}`;
}

/** An image as a clip of one frame, cut to the video's size. */
async function loadReference(file: string, { height, width }: { height: number; width: number }): Promise<Clip> {
  const data = await loadImage(file, { height, width });
  return { data, channels: 3, frames: 1, height, width };
}

interface Report {
  files: string[];
  times: Record<string, number>;
  result: GenerateResult;
  document: TraceDocument;
  runtime: Runtime;
  json: boolean;
  /** Says something to a person at a terminal. */
  tell: (message: string) => void;
}

function report({ files, times, result, document, runtime, json, tell }: Report): void {
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const { height, width, frames } = result.videos[0]!;
  const decisions = summarizeDocument(document);
  if (json) {
    const summary = {
      files,
      frames,
      height,
      width,
      fps: result.fps,
      times,
      peakBytes,
      runtime: runtime.description,
      decisions,
    };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  for (const file of files) process.stdout.write(`${file}\n`);
  const stages = Object.entries(times).filter(([stage, time]) => stage !== 'total' && time > 0);
  tell(
    `${frames} frames of ${width}x${height} in ${seconds(times.total!)}: ${stages.map(([stage, time]) => `${stage} ${seconds(time)}`).join(', ')}`,
  );
  for (const line of summaryLines(decisions)) tell(line);
  tell(`peak memory ${(peakBytes / 2 ** 30).toFixed(2)} GB`);
}
