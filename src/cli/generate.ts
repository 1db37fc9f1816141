/** `quantcache generate`: prompts to video files. */
import { Command, Option } from 'commander';
import {
  assertSameMaking,
  assertSameText,
  differenceOf,
  type FoundPicture,
  fitDecision,
  loadReference,
  partialOf,
  picturesOf,
  recordOf,
  saveLatents,
  saveText,
  textsOf,
} from '../api/run.ts';
import { summarizeDocument, summaryLines, type Trace, type TraceSummary, traceDocument } from '../api/trace.ts';
import { assertFormat, framesOf } from '../api/video.ts';
import { assertOutputs } from '../files/outputs.ts';
import {
  type DecidedOptions,
  decideRun,
  finish,
  type GenerateEvent,
  type GenerateResult,
  generate,
  generateOptionsOf,
  openModel,
  precisions,
  type Runtime,
  saveVideo,
} from '../index.ts';
import { startRuntime } from './device.ts';
import { fileNames } from './filenames.ts';
import { type GenerateFlags, requestOf } from './generaterequest.ts';
import { keepRun } from './keeping.ts';
import {
  finiteNumber,
  keyValue,
  limitOf,
  nonNegativeNumber,
  positiveNumber,
  wholeNumber,
  withMemoryLimit,
  withModel,
  withSize,
} from './options.ts';

import { openPreviews, previewPath, previewTime } from './previewing.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';
import { recordInto } from './recording.ts';
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
    .option('--from-text <file>', 'prompts that --save-text encoded before; the text encoder does not run')
    .option('--save-text <file>', 'also write the encoded prompts, a .safetensors file')
    .option('--save-latents <file>', 'also write the latents before they are decoded, for "quantcache decode"')
    .option('--resume', 'go on with a run that was stopped: the same command again, with this')
    .option(
      '--keep-after <seconds>',
      'runs longer than this keep their state in <out>.partial, in at most 2% of their time',
      nonNegativeNumber,
      60,
    )
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
    .option(
      '--quality <decibels>',
      'how near to full computation quantcache aims, as PSNR; default: what the profile says',
      positiveNumber,
    )
    .option(
      '--speedup <factor>',
      'how many times faster than full computation in fp32, by what calibration measured, in place of a quality',
      positiveNumber,
    )
    .option('--cache-memory <megabytes>', 'the most that quantcache may hold of earlier steps', finiteNumber)
    .addOption(
      new Option(
        '--precision <precision>',
        "number format of linear layers; default: the profile's, else fp32",
      ).choices(precisions),
    )
    .option(
      '--preview [when]',
      'show the run as it goes in <out>.preview.png, where it takes more than three seconds; always: at every computed step',
      previewTime,
    )
    .option('--record <file>', 'with --policy full: keep what calibration needs, for "calibrate --measurements"')
    .option('--trace <file>', 'write every decision to a .json file, for "inspect --trace"')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'no progress');
  return withSize(withModel(withMemoryLimit(generateCommand)))
    .addHelpText('after', examples)
    .action(run);
}

async function run(prompts: string[], flags: GenerateFlags, command: Command): Promise<void> {
  const began = performance.now();
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet), { keepsStages: true });
  const warn = (message: string) => progress.generating({ type: 'warning', message, milliseconds: 0 });
  const { asked, source, earlier, encoded } = await requestOf(prompts, flags, command);
  const places = earlier ? [earlier.index] : [...asked.prompts.keys()];
  const files = fileNames(flags.out, places.length);
  await assertFiles(files, flags);
  const runtime = await startRuntime(source, signal);
  await using pipeline = await openModel(runtime, {
    model: flags.model ?? source.model,
    vae: flags.vae ?? source.vae,
    textEncoder: flags.textEncoder ?? source.textEncoder,
    signal,
    onProgress: progress.downloading,
  });
  const decision = fitDecision(pipeline, await decideRun(pipeline, asked), limitOf(flags.memory));
  const { run, profile } = decision;
  const size = pipeline.geometry(run);
  for (const file of files) await assertFormat(file, { ...size, count: size.numFrames });
  const pictures = await picturesOf(pipeline, run, earlier && { file: flags.from!, record: earlier });
  await assertFiles(files, flags, pictures);
  const text = encoded?.hash;
  if (encoded) assertSameText(flags.fromText!, encoded, pipeline, run);
  if (earlier) await assertSameMaking(earlier, pipeline, pictures, text);
  for (const message of [...decision.warnings, earlier && differenceOf(earlier, runtime)]) if (message) warn(message);
  const opened = performance.now();
  const image = run.image === undefined ? undefined : await loadReference(pictures[0]!.path, size);
  const documentOf = (trace: Trace) =>
    traceDocument(trace, {
      model: pipeline.model,
      blocks: pipeline.network.blocks,
      policy: profile === undefined ? run.policy : `${run.policy} ${profile}`,
      numSteps: run.numSteps,
      flops: (module) => pipeline.costs.of(module, size).flops,
    });
  const recordsOf = ({ precisions: computed }: Pick<TraceSummary, 'precisions'>) =>
    Promise.all(
      run.prompts.map((_, i) =>
        recordOf(i, { decision, pipeline, runtime, source, pictures, text, computed, earlier }),
      ),
    );
  const recording = flags.record ? await recordInto(flags.record, { pipeline, runtime, run, progress }) : undefined;
  const [record] = await recordsOf({ precisions: {} });
  const { keepAfter, resume } = flags;
  const kept = await keepRun({ path: partialOf(flags.out), record: record!, runtime, resume, keepAfter, progress });
  const when = flags.preview === true ? 'auto' : flags.preview;
  const shown = run.prompts.map((_, i) => files[places.indexOf(i)]);
  const previews = await openPreviews({ pipeline, geometry: size, when, files: shown });
  const onEvent = async (event: GenerateEvent) => {
    progress.generating(event);
    await previews?.offer(event);
    if (event.type === 'step' && event.canSave) await kept.offer();
    const isLast = 'loop' in event && event.loop === run.loops - 1;
    if (flags.saveText && isLast && event.type === 'text')
      await saveText(flags.saveText, { ...run, text: event.text, texts: textsOf(pipeline, run) });
    if (flags.saveLatents && isLast && event.type === 'latents') {
      const records = await recordsOf(summarizeDocument(documentOf(event.trace)));
      await saveLatents(flags.saveLatents, { latents: event.latents, geometry: event.geometry, records });
    }
  };
  const events = generate(pipeline, runtime, {
    ...generateOptionsOf(run),
    ...(recording && { policy: recording.policy }),
    references: image && run.prompts.map(() => [image]),
    pictures: new Map(pictures.map(({ file, path }) => [file, path])),
    text: encoded?.text,
    state: kept.state,
    signal,
  });
  const result = await finish(events, onEvent).catch((error: unknown) => {
    kept.tell();
    throw error;
  });
  const document = documentOf(result.trace);
  const decisions = summarizeDocument(document);
  const saving = performance.now();
  const records = await recordsOf(decisions);
  for (const [i, file] of files.entries())
    await saveVideo(framesOf(result.videos[places[i]!]!, result.fps), file, records[places[i]!], signal);
  await kept.remove();
  progress.end();
  if (flags.trace) await writeTrace(flags.trace, document);
  await recording?.save(result);
  if (previews?.shown === 0) progress.note('The run was too short for a preview; --preview always shows it.');
  const times = {
    open: opened - began,
    ...result.times,
    save: performance.now() - saving,
    total: performance.now() - began,
  };
  report({ files, times, result, run, profile, decisions, runtime, json: Boolean(flags.json), tell: progress.tell });
}

/** Checks everything that the flags name files for, before anything is computed. */
async function assertFiles(
  clips: readonly string[],
  flags: GenerateFlags,
  pictures: readonly FoundPicture[] = [],
): Promise<void> {
  const { trace, from, fromText, image, profile } = flags;
  for (const clip of clips) await assertFormat(clip);
  const named = (path: string | undefined, option: string) => (path === undefined ? [] : [{ path, option }]);
  await assertOutputs(
    [
      ...clips.map((path) => ({ path, option: '--out' })),
      ...(flags.preview ? clips.map((clip) => ({ path: previewPath(clip), option: '--preview' })) : []),
      ...named(trace, '--trace'),
      ...named(flags.saveText, '--save-text'),
      ...named(flags.saveLatents, '--save-latents'),
      ...named(flags.record, '--record'),
    ],
    [
      { path: partialOf(flags.out), option: '--resume' },
      ...named(from, '--from'),
      ...named(fromText, '--from-text'),
      ...named(image, '--image'),
      ...named(profile, '--profile'),
      ...pictures.map(({ path }) => ({ path, option: 'the run' })),
    ],
  );
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
