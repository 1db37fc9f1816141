/** `quantcache calibrate`: measures a model and writes profiles for it. */
import { Command, InvalidArgumentError } from 'commander';
import {
  type CalibrationEvent,
  type Candidate,
  calibrate,
  calibrationPrompts,
  loadMeasurements,
  measure,
  priceOf,
  saveFitted,
  saveMeasurements,
  saveProfile,
  type WrittenProfile,
} from '../api/calibration.ts';
import { samplerNamed, sizeOf } from '../api/models.ts';
import { policyEntry } from '../api/policies.ts';
import { type IntegerPrecision, isInteger } from '../api/quantization.ts';
import { assertMemory } from '../api/run.ts';
import { assertOutputs } from '../files/outputs.ts';
import {
  finish,
  type ModelOptions,
  openModel,
  type Precision,
  precisions,
  QuantCacheError,
  type SizeRequest,
} from '../index.ts';
import { calibratePreview } from './calibratepreview.ts';
import { quickRuns, writeQuickProfiles } from './calibratequick.ts';
import { calibrateRecipes } from './calibraterecipes.ts';
import { fileOfEach, type NamedTarget, oneOfEach, profileOf, targetsOf } from './calibratetargets.ts';
import { startRuntime } from './device.ts';
import { refuseUnread } from './given.ts';
import { finiteNumber, type ModelFlags, modelOf, positiveNumber, wholeNumber, withModel, withSize } from './options.ts';
import { tellPrice } from './price.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';

interface Flags extends ModelFlags, SizeRequest {
  policy?: string;
  out?: string;
  name?: string;
  quality?: number;
  speedup?: number;
  prompts: number;
  promptsFrom?: string;
  steps: number[];
  guidance?: number;
  seed: number;
  qualities?: number[];
  budgets: number[];
  trials: number;
  precisions?: Precision[];
  each?: boolean;
  quick?: boolean;
  recipes?: boolean;
  preview?: boolean;
  measurements?: string;
  json?: boolean;
  quiet?: boolean;
}

/** What leaps that follow the clip are tried at. */
const standardQualities = [24, 26, 28, 30, 32, 34, 36, 38, 40];

const help = `
A profile says which steps to compute, how the others follow from them, in which precision and what to leave out. It is
bound to the model's weights. Use it with "generate --profile profile.json", or put it into the model's folder "profiles".

Examples:
  quantcache calibrate -m ./my-model --quality 32 -o careful.json
  quantcache calibrate -m ./my-model --quick                      the same from two full runs, untried
  quantcache calibrate -m ./my-model --recipes                    profiles/recipes.json, which w8a8 and w4a8 follow
  quantcache calibrate -m ./my-model --preview                    profiles/preview.json, which previews are drawn by
  quantcache calibrate -m ./my-model -o ./my-model/profiles       quality.json, balanced.json and fast.json`;

export function command(): Command {
  const list = (text: string) => [...new Set(text.split(',').map(wholeNumber(1)))];
  return withSize(
    withModel(new Command('calibrate').description('measure a model and write profiles that accelerate it')),
  )
    .option('-p, --policy <name>', 'fit the coefficients of another policy instead: teacache, magcache')
    .option('--quality <decibels>', 'the fastest of at least this PSNR against full computation', positiveNumber)
    .option('--speedup <factor>', 'the best of at least this speed-up of a whole clip', positiveNumber)
    .option('-o, --out <path>', 'file of the profile; without a target, folder of three of them (profiles)')
    .option('--name <name>', "the profile's name", 'calibrated')
    .option('--prompts <count>', 'how many prompts, from the first; with --preview all by default', wholeNumber(1), 4)
    .option('--prompts-from <file>', 'a prompt per line, or a .json list')
    .option('--steps <counts>', 'numbers of steps to plan for, such as 30,100', list, [30])
    .option(
      '--qualities <list>',
      'decibels to try leaps at that follow the clip; default: 24 to 40, none with --budgets',
      decibelList,
    )
    .option('--budgets <counts>', 'numbers of computed steps to try fixed plans of; default: none', list, [])
    .option('--trials <count>', 'sets of computed steps to try for each budget', wholeNumber(1), 16)
    .option('--precisions <list>', 'precisions to try, such as w8a8,fp32; default: both on a CPU', precisionList)
    .option('--guidance <scale>', 'classifier-free guidance; 1 turns it off', finiteNumber)
    .option('--seed <number>', 'seed of the first prompt', wholeNumber(0), 1000)
    .option('--each', 'write a profile for each number of computed steps, too: steps-4.json beside the others')
    .option('--quick', 'from two recorded runs and without trying anything out: leaps that follow the clip')
    .option('--recipes', 'find what integer precisions are to mean for the model, and write its profiles/recipes.json')
    .option('--preview', "fit the map that previews of runs are drawn by, and write the model's profiles/preview.json")
    .option('--measurements <file>', 'JSON of what was measured; an interrupted calibration is continued from it')
    .option('--json', 'print the profiles as JSON')
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', help)
    .action(run);
}

/** Of the options, those that only a search for profiles reads. */
const ofSearches = ['qualities', 'budgets', 'trials', 'each', 'name'];

/** Refuses options that what is calibrated has no use for. */
function refuseUseless(flags: Flags, command: Command): void {
  const { quick, recipes, preview, policy, quality, speedup, steps, budgets } = flags;
  const useless = budgets.find((count) => count >= Math.max(...steps));
  if (useless !== undefined && command.getOptionValueSource('budgets') === 'cli')
    throw new QuantCacheError(
      'invalid_option',
      `A budget of ${useless} computed steps spares none of ${Math.max(...steps)}; give --budgets below --steps.`,
    );
  const other = (['quick', 'preview', 'recipes', 'policy'] as const).find((name) => flags[name] !== undefined);
  if (steps.length > 1 && other)
    throw new QuantCacheError(
      'invalid_option',
      `Only a search for profiles takes several numbers of steps (${steps.join(',')}); give one with --${other}.`,
    );
  if (quick)
    refuseUnread(
      command,
      ['policy', 'recipes', 'preview', 'speedup', 'qualities', 'budgets', 'trials', 'each'],
      '--quick tries nothing out; it goes with --quality',
    );
  if (preview)
    refuseUnread(
      command,
      [...ofSearches, 'policy', 'quality', 'speedup', 'measurements', 'precisions', 'recipes'],
      '--preview fits pictures to latents',
    );
  if (recipes)
    refuseUnread(
      command,
      [...ofSearches, 'policy', 'speedup', 'measurements'],
      '--recipes tries precisions; it goes with --quality',
    );
  if (policy !== undefined)
    refuseUnread(
      command,
      [...ofSearches, 'quality', 'speedup', 'precisions'],
      '--policy fits coefficients; leave it out to make a profile',
    );
  if (budgets.length === 0) refuseUnread(command, ['trials', 'each'], 'they are about fixed plans; add --budgets');
  if (quality === undefined && speedup === undefined)
    refuseUnread(command, ['name'], 'the three profiles have names; add --quality or --speedup for one');
}

async function run(flags: Flags, command: Command): Promise<void> {
  refuseUseless(flags, command);
  const coefficientsOf = flags.policy === undefined ? undefined : fitOf(flags.policy);
  const targets = targetsOf(flags);
  await assertFiles(flags, targets);
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet));
  const runtime = await startRuntime(flags, signal);
  await using pipeline = await openModel(runtime, { ...modelOf(flags), signal, onProgress: progress.downloading });
  assertMemory(pipeline, { geometry: pipeline.geometry(flags), prompts: 1, precision: 'fp32' });
  const available = await calibrationPrompts(flags.promptsFrom, pipeline.folder);
  const isCounted = command.getOptionValueSource('prompts') === 'cli';
  if (available.length < flags.prompts && isCounted)
    throw new QuantCacheError(
      'invalid_option',
      `There are ${available.length} prompts, fewer than the ${flags.prompts} asked for; name a longer list with --prompts-from.`,
    );
  const usual = flags.preview ? available.length : flags.quick ? quickRuns : flags.prompts;
  const prompts = available.slice(0, isCounted ? flags.prompts : usual);
  const guidanceScale = flags.guidance ?? pipeline.defaults.guidanceScale;
  const request = { ...sizeOf(flags), prompts, seed: flags.seed, guidanceScale, numSteps: flags.steps, signal };
  if (flags.preview) {
    const options = { ...request, numSteps: flags.steps[0]! };
    const { file, measured } = await calibratePreview({ options, runtime, pipeline, out: flags.out, progress });
    progress.end();
    process.stdout.write(flags.json ? `${JSON.stringify({ file, measured })}\n` : `${file}\n`);
    return;
  }
  if (flags.recipes) {
    const options = { ...request, precisions: integersOf(flags) };
    const open = (quantization: ModelOptions['quantization']) =>
      openModel(runtime, { ...modelOf(flags), signal, quantization });
    const { file, trials } = await calibrateRecipes({ ...flags, options, open, runtime, pipeline, progress });
    progress.end();
    process.stdout.write(flags.json ? `${JSON.stringify({ file, trials })}\n` : `${file}\n`);
    return;
  }
  const model = { name: pipeline.model, hash: await pipeline.hash() };
  const { height, width, numFrames: frames, fps } = pipeline.geometry(flags);
  const sampler = samplerNamed(pipeline).name;
  const fitted = { height, width, frames, fps, guidanceScale, sampler, conditioning: 'text' } as const;
  const measurementsFile = measurementsOf(flags, targets);
  const earlier = await loadMeasurements(measurementsFile, {
    model,
    guidanceScale,
    geometry: pipeline.geometry(flags),
  });
  const follow = async (event: CalibrationEvent) => {
    if (event.type === 'prompt') {
      await saveMeasurements(measurementsFile, event.measurements);
      progress.note(`measured ${event.measurements.prompts.length} of ${prompts.length * flags.steps.length} runs`);
    }
    if (event.type === 'reference') progress.note(`full computation: ${seconds(event.milliseconds)}, ${event.prompt}`);
    if (event.type === 'search' && event.tried === event.trials)
      progress.note(`${event.budget} computed steps: ${event.tried} sets tried`);
    if (event.type === 'candidate') progress.note(describe(event.candidate));
  };
  if (coefficientsOf) {
    const measured = await finish(measure(pipeline, runtime, request, earlier), follow);
    progress.end();
    const runs = measured.prompts.filter(({ numSteps }) => numSteps === flags.steps[0]);
    const options = coefficientsOf(runs.map(({ changes }) => changes));
    await saveFitted(targets[0]!.file, {
      name: flags.policy!,
      model,
      fitted: { ...fitted, steps: [flags.steps[0]!] },
      options,
    });
    process.stdout.write(flags.json ? `${JSON.stringify(options)}\n` : `${targets[0]!.file}\n`);
    return;
  }
  if (flags.quick) {
    const quick = { pipeline, runtime, request, earlier, targets, model, fitted, progress, follow };
    const profiles = await writeQuickProfiles({ ...quick, precisions: flags.precisions });
    progress.end();
    process.stdout.write(
      flags.json ? `${JSON.stringify(profiles)}\n` : targets.map(({ file }) => `${file}\n`).join(''),
    );
    return;
  }
  const tried: Precision[] = flags.precisions ?? (flags.device === 'cpu' ? ['w8a8', 'fp32'] : ['fp32']);
  const { budgets, trials, qualities = budgets.length > 0 ? [] : standardQualities } = flags;
  const searching = { ...request, qualities, budgets, trials, precisions: tried };
  const watch = tellPrice(priceOf(searching, earlier), progress);
  const candidates = await finish(calibrate(pipeline, runtime, searching, earlier), async (event) => {
    watch(event);
    await follow(event);
  });
  progress.end();
  const wanted = targets.map((target) => ({ ...target, candidates }));
  if (flags.each) wanted.push(...oneOfEach(candidates, flags.steps, targets));
  const profiles: WrittenProfile[] = [];
  const missed: string[] = [];
  for (const { file, ...one } of wanted) {
    const { profile, shortfalls } = profileOf({ ...one, model, fitted, steps: flags.steps, prompts });
    missed.push(...shortfalls.map((shortfall) => `${file}: ${shortfall}.`));
    if (!profile) continue;
    await saveProfile(file, profile);
    profiles.push(profile);
    if (!flags.json) process.stdout.write(`${file}\n`);
  }
  if (missed.length > 0)
    throw new QuantCacheError(
      'target_missed',
      `Not all that was asked for is reached, and what is not is not written. ${missed.join(' ')} Ask for less, or try other --qualities, --budgets or --precisions.`,
    );
  if (flags.json) process.stdout.write(`${JSON.stringify(profiles)}\n`);
}

/** Checks everything that the flags name files for, before anything is computed. */
async function assertFiles(flags: Flags, targets: readonly NamedTarget[]): Promise<void> {
  const inputs = flags.promptsFrom === undefined ? [] : [{ path: flags.promptsFrom, option: '--prompts-from' }];
  const output = (path: string, option = '--out') => ({ path, option, makesFolder: true });
  if (flags.recipes || flags.preview) return; // written into the model's folder, which is not known yet
  const ofEach = flags.each ? flags.budgets.map((count) => fileOfEach(targets, count)) : [];
  const files = [...targets.map(({ file }) => output(file)), ...ofEach.map((file) => output(file, '--each'))];
  await assertOutputs([...files, output(measurementsOf(flags, targets), '--measurements')], inputs);
}

const measurementsOf = ({ measurements }: Flags, [first]: readonly NamedTarget[]): string =>
  measurements ?? `${first!.file}.measurements`;

function decibelList(text: string): number[] {
  return [...new Set(text.split(',').map(positiveNumber))];
}

function precisionList(text: string): Precision[] {
  const names = [...new Set(text.split(','))];
  const unknown = names.find((name) => !(precisions as readonly string[]).includes(name));
  if (unknown === undefined) return names as Precision[];
  throw new InvalidArgumentError(`"${unknown}" is no precision; use some of ${precisions.join(',')}.`);
}

/** The precisions that recipes are searched for. */
function integersOf({ precisions: named = ['w8a8', 'w4a8'] }: Flags): IntegerPrecision[] {
  const integers = named.filter(isInteger);
  if (integers.length === named.length) return integers;
  const other = named.find((name) => !isInteger(name));
  throw new QuantCacheError('invalid_option', `${other} has no recipe; use some of w8a8,w4a8,w4a6 with --recipes.`);
}

function fitOf(policy: string) {
  const { fit } = policyEntry(policy);
  if (fit) return fit;
  throw new QuantCacheError(
    'invalid_option',
    `Policy "${policy}" has no coefficients to fit; teacache and magcache have.`,
  );
}

const describe = ({ numSteps, computed, precision, pruning, ...figures }: Candidate): string =>
  `${Number(computed.toFixed(1))} of ${numSteps} steps, ${precision}${pruning ? `, pruning ${pruning}` : ''}: ${figures.psnr.toFixed(1)} dB (worst ${figures.worstPsnr.toFixed(1)}), ${figures.speedup.toFixed(2)}x (predicted ${figures.predictedSpeedup.toFixed(2)}x), transformer ${figures.denoiseSpeedup.toFixed(2)}x`;
