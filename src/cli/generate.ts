/** `quantcache generate`: prompts to video files. */

import { extname } from 'node:path';
import { Command, Option } from 'commander';
import { assertSameMaking, differenceOf, loadReference, picturesOf, recordOf } from '../api/run.ts';
import { summarizeDocument, summaryLines, type TraceSummary, traceDocument } from '../api/trace.ts';
import { assertFormat, framesOf } from '../api/video.ts';
import { assertOutputs } from '../files/outputs.ts';
import {
  type DecidedOptions,
  decideRun,
  finish,
  type GenerateResult,
  generate,
  generateOptionsOf,
  openModel,
  precisions,
  type Runtime,
  saveVideo,
} from '../index.ts';
import { startRuntime } from './device.ts';
import { type GenerateFlags, requestOf } from './generaterequest.ts';
import { assertMemory } from './memory.ts';
import { finiteNumber, keyValue, wholeNumber, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';
import { writeTrace } from './trace.ts';

const examples = `
Examples:
  quantcache generate "a large red star moves right over a blue background" -o star.mp4
  quantcache generate "a forest at dawn" -m hpcai-tech/OpenSora-STDiT-v3 --resolution 240p --duration 2s -o forest.mp4
  quantcache generate "the ship sails on" --image ship.png --loops 2 -o ship.webm
  quantcache generate --from star.mp4 -o again.mp4                 the same bytes again`;

export function command(): Command {
  const generateCommand = new Command('generate')
    .description('make a video for each prompt')
    .argument('[prompts...]', 'what to show; several prompts give several files')
    .option('-o, --out <file>', 'file to write: .mp4, .webm, .gif, .webp or .png', 'video.mp4')
    .option('--from <clip>', 'make a clip again from what its file says; options of the run are taken from there')
    .option('--steps <count>', 'denoising steps', wholeNumber(1))
    .option('--sampler <name>', 'how steps are taken: euler, unipc, unipc-3, dpm-solver++, adams-bashforth, heun')
    .option('--negative-prompt <text>', 'what not to show, for models that take such a prompt')
    .option('--guidance <scale>', 'classifier-free guidance; 1 turns it off', finiteNumber)
    .option('--seed <number>', 'seed of the noise, as of PyTorch on a CPU; default: 42')
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
    .option(
      '--policy-option <name=value>',
      'an option of the policy, or one to change in the profile; may be given again',
      keyValue,
    )
    .option('--cache-memory <megabytes>', 'the most that quantcache may hold of earlier steps', finiteNumber)
    .addOption(
      new Option(
        '--precision <precision>',
        "number format of linear layers; default: the profile's, else fp32",
      ).choices(precisions),
    )
    .option('--trace <file>', 'write every decision to a .json file, for "inspect --trace"')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'no progress');
  return withSize(withModel(generateCommand)).addHelpText('after', examples).action(run);
}

async function run(prompts: string[], flags: GenerateFlags, command: Command): Promise<void> {
  const began = performance.now();
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet), { keepsStages: true });
  const warn = (message: string) => progress.generating({ type: 'warning', message, milliseconds: 0 });
  const { asked, source, earlier } = await requestOf(prompts, flags, command);
  const places = earlier ? [earlier.index] : [...asked.prompts.keys()];
  const files = places.map((_, i) => fileName(flags.out, i, places.length));
  await assertFiles(files, flags);
  const runtime = await startRuntime(source, signal);
  await using pipeline = await openModel(runtime, {
    model: flags.model ?? source.model,
    vae: flags.vae ?? source.vae,
    textEncoder: flags.textEncoder ?? source.textEncoder,
    signal,
    onProgress: progress.downloading,
  });
  const decision = await decideRun(pipeline, asked);
  const { run, profile } = decision;
  const size = pipeline.geometry(run);
  assertMemory(pipeline, size, { prompts: run.prompts.length, loops: run.loops });
  for (const file of files) await assertFormat(file, { ...size, count: size.numFrames });
  const pictures = await picturesOf(pipeline, run);
  if (earlier) await assertSameMaking(earlier, pipeline, pictures);
  for (const message of [...decision.warnings, earlier && differenceOf(earlier, runtime)]) if (message) warn(message);
  const opened = performance.now();
  const image = run.image === undefined ? undefined : await loadReference(run.image, size);
  const events = generate(pipeline, runtime, {
    ...generateOptionsOf(run),
    references: image && run.prompts.map(() => [image]),
    signal,
  });
  const result = await finish(events, progress.generating);
  const document = traceDocument(result.trace, {
    model: pipeline.model,
    blocks: pipeline.network.blocks,
    policy: profile === undefined ? run.policy : `${run.policy} ${profile}`,
    numSteps: run.numSteps,
    flops: (module) => pipeline.costs.of(module, result.geometry).flops,
  });
  const decisions = summarizeDocument(document);
  const saving = performance.now();
  for (const [i, file] of files.entries()) {
    const parts = { decision, pipeline, runtime, source, pictures, computed: decisions.precisions };
    await saveVideo(
      framesOf(result.videos[places[i]!]!, result.fps),
      file,
      await recordOf(places[i]!, { ...parts, earlier }),
      signal,
    );
  }
  progress.end();
  if (flags.trace) await writeTrace(flags.trace, document);
  const times = {
    open: opened - began,
    ...result.times,
    save: performance.now() - saving,
    total: performance.now() - began,
  };
  report({ files, times, result, run, profile, decisions, runtime, json: Boolean(flags.json), tell: progress.tell });
}

/** Checks everything that the flags name files for, before anything is computed. */
async function assertFiles(clips: readonly string[], { trace, from, image, profile }: GenerateFlags): Promise<void> {
  for (const clip of clips) await assertFormat(clip);
  const named = (path: string | undefined, option: string) => (path === undefined ? [] : [{ path, option }]);
  const outputs = [...clips.map((path) => ({ path, option: '--out' })), ...named(trace, '--trace')];
  await assertOutputs(outputs, [...named(from, '--from'), ...named(image, '--image'), ...named(profile, '--profile')]);
}

/** `name.mp4` for one prompt, `name-1.mp4`, `name-2.mp4`... for several. */
function fileName(out: string, index: number, count: number): string {
  if (count === 1) return out;
  const extension = extname(out);
  return `${out.slice(0, out.length - extension.length)}-${index + 1}${extension}`;
}

interface Report {
  files: string[];
  times: Record<string, number>;
  result: GenerateResult;
  run: DecidedOptions;
  profile?: string;
  decisions: TraceSummary;
  runtime: Runtime;
  json: boolean;
  /** Says something to a person at a terminal. */
  tell: (message: string) => void;
}

function report({ files, times, result, run, profile, decisions, runtime, json, tell }: Report): void {
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const { height, width, frames } = result.videos[0]!;
  if (json) {
    const summary = {
      files,
      run,
      profile,
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
