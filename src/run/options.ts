/**
 * The options of a run as plain data: what flags, requests and programs ask for, and, once decided (`decide.ts`), what
 * runs. They can be sent to another process as JSON and written into a file that was made by them. What was decided is
 * itself a possible request and decides to the same again.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { precisions } from '../model.ts';
import { createPolicy, policies, policyEntry } from '../policies/index.ts';
import { issuesOf } from '../refusals.ts';

/** The schema of a run's options. What is absent is decided: by the model's defaults, its profile, or as described here. */
export const runOptionsSchema = z.strictObject({
  /** One clip each, made together in one batch. */
  prompts: z.array(z.string()).min(1),
  /** A 64-bit whole number. Default 42. */
  seed: z.union([z.string(), z.int()]).optional(),
  /** What to steer away from, where the model takes such a prompt. */
  negativePrompt: z.string().optional(),
  numSteps: z.int().positive().optional(),
  /** One of the model's samplers. Default: its first. */
  sampler: z.string().optional(),
  /** 1 or less runs without guidance. */
  guidanceScale: z.number().optional(),
  /** Clips that continue each other. Default 1. */
  loops: z.int().positive().optional(),
  /** HEIGHTxWIDTH in pixels; excludes `resolution` and `aspect`. */
  size: z.string().optional(),
  resolution: z.string().optional(),
  aspect: z.string().optional(),
  /** Excludes `duration`. */
  frames: z.int().positive().optional(),
  duration: z.string().optional(),
  fps: z.number().positive().optional(),
  /** File of the first frame of every clip. */
  image: z.string().min(1).optional(),
  /** What only the model's own family understands, such as Open-Sora's `aestheticScore`. */
  familyOptions: z.record(z.string(), z.unknown()).optional(),
  /** A profile of the model, by name or file. Default: its `balanced` one, where neither this nor `policy` is given. */
  profile: z.string().min(1).optional(),
  /** A policy by name; excludes `profile`. */
  policy: z.string().optional(),
  /** Options of the policy, before what was fitted to the model; with `profile`, instead of the profile's own. */
  policyOptions: z.record(z.string(), z.unknown()).optional(),
  /**
   * Decibels against full computation, instead of those that the profile or the policy `quantcache` aims at; needs leaps that
   * follow the clip.
   */
  quality: z.number().positive().optional(),
  /**
   * How many times faster than full computation in fp32, at the same steps, the clip should be made, by what calibration
   * measured where the profile was made; in place of a quality.
   */
  speedup: z.number().positive().optional(),
  /** The most that a policy with such a bound may hold of earlier steps, in MB. */
  cacheMemory: z.number().nonnegative().optional(),
  /** Number format of linear layers. Default: what the policy's options name, else fp32. */
  precision: z.enum(precisions).optional(),
});

/** What may be asked of a run. */
export type RunOptions = z.output<typeof runOptionsSchema>;

/** Options that leave nothing to be decided; `precision` is absent where the policy's options name several. */
export interface DecidedOptions
  extends Omit<RunOptions, 'resolution' | 'aspect' | 'duration' | 'profile' | 'quality' | 'speedup' | 'cacheMemory'> {
  readonly seed: string;
  readonly numSteps: number;
  readonly sampler: string;
  readonly guidanceScale: number;
  readonly loops: number;
  readonly size: string;
  readonly frames: number;
  readonly fps: number;
  readonly policy: string;
  readonly policyOptions: Record<string, unknown>;
}

/**
 * Refuses options that no model could run: fields that there are not, values of the wrong kind, a policy and a profile at
 * once, policies and options of policies that there are not. Throws `invalid_option`.
 */
export function parseRunOptions(given: unknown): RunOptions {
  const result = runOptionsSchema.safeParse(given);
  if (!result.success) {
    const known = Object.keys(runOptionsSchema.shape);
    const issues = issuesOf(result.error, 'options', known);
    throw new QuantCacheError(
      'invalid_option',
      `These are no options of a run: ${issues}. Allowed: ${known.join(', ')}.`,
    );
  }
  const { policy, policyOptions, profile, quality, speedup, cacheMemory } = result.data;
  if (quality !== undefined && speedup !== undefined)
    throw new QuantCacheError('invalid_option', 'Both a quality and a speed-up are given; give one of them.');
  if (policy !== undefined && profile !== undefined)
    throw new QuantCacheError('invalid_option', 'Both a policy and a profile are given; give one of them.');
  if (policyOptions !== undefined && policy === undefined && profile === undefined)
    throw new QuantCacheError('invalid_option', 'An option of a policy needs a policy, or a profile that it changes.');
  if (policy !== undefined) createPolicy(policy, withMemory(policy, policyOptions, cacheMemory));
  return result.data;
}

/** Options of a policy with the bound of its memory, where that is asked for. Throws `invalid_option` where it has none. */
export function withMemory(policy: string, options: RunOptions['policyOptions'], cacheMemory: number | undefined) {
  if (cacheMemory === undefined) return { ...options };
  const hasBound = (name: string) => 'cacheMemory' in policyEntry(name).options.shape;
  if (hasBound(policy)) return { ...options, cacheMemory };
  const others = Object.keys(policies).filter(hasBound).join(', ');
  throw new QuantCacheError(
    'invalid_option',
    `Policy "${policy}" has no bound of its memory that cacheMemory (--cache-memory) could set. Leave it out, or choose one that has: ${others}.`,
  );
}
