/**
 * The one place that decides what a run does: policy, options of the policy (a profile's, those fitted to the model), and
 * precision. What it returns is plain data, and it is what runs and what is recorded: command line, benchmarks and servers
 * all ask here.
 *
 * A profile holds for what it was fitted for. Outside of that, leaps that follow the clip are followed where they can be taken;
 * a plan is not, and policy `quantcache` decides by built-in averages. The user is told either way.
 */
import { QuantCacheError } from '../errors.ts';
import type { GenerateOptions } from '../generate.ts';
import { samplerNamed } from '../loop.ts';
import type { Precision } from '../model.ts';
import type { Pipeline } from '../pipeline.ts';
import { completeOptions, createPolicy, ownPrecisions } from '../policies/index.ts';
import { misfits, type Setting } from '../policies/quantcache/profile.ts';
import { type FoundProfile, findDefaultProfile, fittedOptions, loadProfile } from '../profiles.ts';
import { defaultSeed, parseSeed } from '../samplers/random.ts';
import { type Aiming, aimed } from './aim.ts';
import { type DecidedOptions, parseRunOptions, type RunOptions, runOptionsSchema, withMemory } from './options.ts';

export interface RunDecision {
  /** What is to run; JSON. */
  readonly run: DecidedOptions;
  /** Name of the profile that the policy's options are from; absent where none is followed. */
  readonly profile?: string;
  /** What the user should know, such as why a profile is not followed. */
  readonly warnings: readonly string[];
}

/** Decides everything that `asked` leaves open. Throws `invalid_option` and what reading a profile throws. */
export async function decideRun(pipeline: Pipeline, asked: RunOptions): Promise<RunDecision> {
  const { profile, policyOptions, quality, speedup, cacheMemory, resolution, aspect, duration, ...rest } =
    parseRunOptions(asked);
  const { height, width, numFrames, fps } = pipeline.geometry(asked);
  const { defaults } = pipeline;
  const settled = {
    ...rest,
    seed: String(parseSeed(asked.seed ?? defaultSeed)),
    numSteps: asked.numSteps ?? defaults.numSteps,
    sampler: samplerNamed(pipeline, asked.sampler).name,
    guidanceScale: asked.guidanceScale ?? defaults.guidanceScale,
    loops: asked.loops ?? 1,
    size: `${height}x${width}`,
    frames: numFrames,
    fps,
  };
  const setting: Setting = {
    height,
    width,
    frames: numFrames,
    fps,
    numSteps: settled.numSteps,
    sampler: settled.sampler,
    guidanceScale: settled.guidanceScale,
    conditioning: conditioningOf(pipeline, asked, settled.loops),
  };
  const changes = (policy: string) => withMemory(policy, policyOptions, cacheMemory);
  const { warnings = [], ...chosen } = await choose(pipeline, asked, { setting, changes });
  const precision = precisionOf(chosen, asked.precision);
  const { policy } = chosen;
  const options = aimed(chosen, { quality, speedup }, settled.numSteps);
  const run = { ...settled, policy, policyOptions: completeOptions(policy, options), precision };
  return { run: plain(run), profile: chosen.profile?.name, warnings };
}

/** Nothing but JSON, fields in the schema's order and none of them undefined: equal runs have equal texts. */
const plain = (run: DecidedOptions): DecidedOptions =>
  runOptionsSchema.parse(JSON.parse(JSON.stringify(run))) as DecidedOptions;

/** What `generate` takes for what was decided; the file of the first frame is the caller's to load. */
export const generateOptionsOf = ({ policy, policyOptions, image: _, ...run }: DecidedOptions): GenerateOptions => ({
  ...run,
  policy: createPolicy(policy, policyOptions),
});

/** What the clips are made from, in words. */
function conditioningOf(pipeline: Pipeline, asked: RunOptions, loops: number): string {
  const { prompts, negativePrompt, image, familyOptions } = asked;
  const own = prompts.some((prompt) => pipeline.text.prepare(prompt, familyOptions).references.length > 0);
  const given = image !== undefined || loops > 1 || own;
  return ['text', negativePrompt && 'a negative prompt', given && 'frames'].filter(Boolean).join(' and ');
}

interface Choice extends Aiming {
  readonly warnings?: readonly string[];
}

interface Circumstances {
  readonly setting: Setting;
  /** Options of a policy that go before those of a profile. */
  changes(policy: string): Readonly<Record<string, unknown>>;
}

/** The policy that was named, with what was fitted to the model; else that of a profile, by default the model's own. */
async function choose(
  pipeline: Pipeline,
  { policy, profile, precision }: RunOptions,
  { setting, changes }: Circumstances,
): Promise<Choice> {
  if (policy !== undefined) {
    const { options, fitted } = await fittedOptions(policy, pipeline);
    const own = changes(policy);
    const isUsed = Object.keys(options).some((name) => !(name in own));
    const differences = fitted && isUsed ? misfits(fitted, setting) : [];
    const warning = `The options of policy "${policy}" were fitted for ${differences.join('; ')}. What it saves and loses here was not measured.`;
    return { policy, options: { ...options, ...own }, warnings: differences.length > 0 ? [warning] : [] };
  }
  const found = profile === undefined ? await findDefaultProfile(pipeline) : await loadProfile(profile, pipeline);
  if (!found) return { policy: 'quantcache', options: changes('quantcache'), warnings: [uncalibrated] };
  const without = (reason: string): Choice => ({
    policy: 'quantcache',
    options: changes('quantcache'),
    warnings: [
      `${reason} It is not followed: quantcache decides without a plan, in ${precision ?? 'fp32'}. ` +
        'Calibrate for such runs, or choose policy full to compute everything.',
    ],
  });
  if ('unusable' in found) return without(found.unusable);
  const name = `The profile "${found.name}"`;
  const options = { ...found.options, ...changes('quantcache') };
  const computes = ownPrecisions('quantcache', options);
  const differences = misfits(found.fitted, setting);
  const canLeap = found.fitted.sampler === setting.sampler && !setting.conditioning.includes('frames');
  if (precision !== undefined && computes.some((own) => own !== precision)) {
    differences.push(`precision ${computes.join(' and ')}, not ${precision}`);
    return without(`${name} was fitted for ${differences.join('; ')}.`);
  }
  if (differences.length > 0 && canLeap && isFollowing(found)) {
    const warning = `${name} was fitted for ${differences.join('; ')}. Its leaps follow the clip here, too; what they lose was not measured.`;
    return { policy: 'quantcache', options, profile: found, warnings: [warning] };
  }
  if (differences.length > 0) return without(`${name} was fitted for ${differences.join('; ')}.`);
  return { policy: 'quantcache', options, profile: found, warnings: assumptions(found) };
}

/** Whether a profile's leaps follow the clip, which they can do elsewhere than it was fitted, too. */
const isFollowing = ({ options: { hlc } }: FoundProfile): boolean =>
  hlc !== false && hlc.leaps !== false && Object.keys(hlc.plans).length === 0;

const uncalibrated =
  'The model has no profile: quantcache decides by estimates that hold for no model in particular. ' +
  '"quantcache calibrate" makes it faster and surer; policy full computes everything.';

const assumptions = ({ name, assumed }: FoundProfile): string[] =>
  assumed
    ? [
        `The profile "${name}" does not say what it was fitted for; the model's defaults are assumed. Calibrate again to be sure.`,
      ]
    : [];

/** The precision of the run: the one asked for, which the policy's own must not contradict, else the policy's, else fp32. */
function precisionOf({ policy, options }: Choice, asked: Precision | undefined): Precision | undefined {
  const own = ownPrecisions(policy, options);
  if (asked !== undefined && own.some((precision) => precision !== asked))
    throw new QuantCacheError(
      'invalid_option',
      `Precision ${asked} is asked for, but the options of policy "${policy}" name ${own.join(', ')}. Leave out one of them.`,
    );
  return own.length > 1 ? undefined : (own[0] ?? asked ?? 'fp32');
}
