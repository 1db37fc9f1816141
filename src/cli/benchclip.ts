/** `quantcache bench clip`: whole clips, stage by stage. */
import { Command, Option } from 'commander';
import { samplerNamed, sizeOf } from '../api/models.ts';
import { assertMemory } from '../api/run.ts';
import { parseTraceDocument, tracePurpose } from '../api/trace.ts';
import { describeMachine } from '../bench/machine.ts';
import { replayOf } from '../bench/replay.ts';
import { measureClip, type WholeClip } from '../bench/wholeclip.ts';
import { wholeClipTable } from '../bench/wholecliptable.ts';
import { readText } from '../files/read.ts';
import {
  type DecidedOptions,
  decideRun,
  openModel,
  type Pipeline,
  type Precision,
  precisions,
  type SizeRequest,
} from '../index.ts';
import { startRuntime } from './device.ts';
import { refuseUnread } from './given.ts';
import { finiteNumber, keyValue, type ModelFlags, modelOf, wholeNumber, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';

interface ClipFlags extends ModelFlags, SizeRequest {
  prompt: string;
  clips: number;
  seed: number;
  steps?: number;
  guidance?: number;
  policy?: string;
  policyOption?: Record<string, unknown>;
  profile?: string;
  precision?: Precision;
  decisions?: string;
  json?: boolean;
  quiet?: boolean;
}

const examples = `
Examples:
  quantcache bench random-model big --text-layers 24
  quantcache generate "a large red star" --trace star.json -o star.mp4
  quantcache bench clip -m big --decisions star.json             what those decisions cost at published size`;

export function clipCommand(): Command {
  const clip = new Command('clip')
    .description('whole clips: time and peak memory of every stage, and what the file takes')
    .option('--prompt <text>', 'what to show', 'a large red star moves right over a blue background')
    .option('--clips <count>', 'clips to make, one after the other; the first one also compiles', wholeNumber(1), 1)
    .option('--seed <number>', 'seed of the first clip; the others count up', wholeNumber(0), 42)
    .option('--steps <count>', 'denoising steps', wholeNumber(1))
    .option('--guidance <scale>', 'classifier-free guidance; 1 turns it off', finiteNumber)
    .option('-p, --policy <name>', 'what to compute, reuse and skip; default: as generate')
    .option('--policy-option <name=value>', 'an option of the policy; may be given again', keyValue)
    .option('--profile <name>', 'a profile of the model, or a file of one')
    .addOption(new Option('--precision <precision>', 'number format of linear layers').choices(precisions))
    .option('--decisions <trace>', 'compute the steps that this trace of another run computed, in its precision')
    .option('--json', 'print everything as JSON')
    .option('-q, --quiet', 'no progress');
  return withSize(withModel(clip)).addHelpText('after', examples).action(runClip);
}

async function runClip(flags: ClipFlags, command: Command): Promise<void> {
  if (flags.decisions !== undefined)
    refuseUnread(
      command,
      ['policy', 'policyOption', 'profile', 'precision', 'steps'],
      '--decisions says what is computed; leave it out',
    );
  const document =
    flags.decisions === undefined
      ? undefined
      : parseTraceDocument(await readText(flags.decisions, tracePurpose), flags.decisions);
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet));
  const runtime = await startRuntime(flags, signal);
  const began = performance.now();
  const model = { ...modelOf(flags), keepText: false, signal, onProgress: progress.downloading };
  await using pipeline = await openModel(runtime, model);
  const open = performance.now() - began;
  const machine = describeMachine(runtime);
  const clips: WholeClip[] = [];
  for (let i = 0; i < flags.clips; i++) {
    const run = await decide(pipeline, flags, flags.seed + i, document);
    if (i === 0)
      assertMemory(pipeline, { geometry: pipeline.geometry(run), prompts: 1, precision: run.precision ?? 'w8a8' });
    const clip = await measureClip(pipeline, runtime, run, { signal, onEvent: progress.generating });
    clips.push(clip);
    progress.note(`clip ${i + 1} of ${flags.clips}: ${seconds(clip.milliseconds)}`);
  }
  progress.end();
  const result = { machine, model: pipeline.model, decisions: flags.decisions, open, clips };
  process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : wholeClipTable(result));
}

/** Everything about one clip. */
async function decide(
  pipeline: Pipeline,
  flags: ClipFlags,
  seed: number,
  document: Parameters<typeof replayOf>[0] | undefined,
): Promise<DecidedOptions> {
  const guidanceScale = flags.guidance ?? pipeline.defaults.guidanceScale;
  const asked = { ...sizeOf(flags), prompts: [flags.prompt], seed, guidanceScale };
  if (document) {
    const { numSteps, precision, options } = replayOf(document, guidanceScale, flags.decisions!);
    const sampler = samplerNamed(pipeline).name;
    const replay = { policy: 'quantcache', policyOptions: options, precision, numSteps, sampler };
    return (await decideRun(pipeline, { ...asked, ...replay })).run;
  }
  const { policy, policyOption: policyOptions, profile, precision, steps: numSteps } = flags;
  return (await decideRun(pipeline, { ...asked, policy, policyOptions, profile, precision, numSteps })).run;
}
