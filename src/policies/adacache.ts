/**
 * AdaCache (Kahatapitiya et al. 2024, arXiv 2411.02397), as coded for Open-Sora 1.2: how much a probe's residual changed
 * picks, from a codebook, for how many steps everything is reused.
 *
 *     c = |r_new - r_old|_1 / |r_old|_1 / rate      averaged over the probes, times the motion factor (`motion.ts`)
 *     rate = that of the first codebook entry whose threshold is above c, else that of the last entry
 *
 * A step is computed when `rate` steps have passed since the last computed one, and always at the first and the last two
 * steps. The new rate is in force from the next step on; the division is by the rate in force, not by the real distance.
 * Defaults of the original: the probe is the temporal attention of block 13 of 28; codebooks are the fast and slow ones
 * for 30 steps and the one for 100.
 *
 * The original keeps two residuals per block (attention; cross-attention with feed-forward) and adds each again. All
 * blocks follow one rate, so their sum is the step's residual: one tensor is kept instead of 112, the result is the same.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { modulesIn, type Node, nodesOf } from '../model.ts';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import type { Tensor } from '../runtime/runtime.ts';
import { createMotion } from './motion.ts';
import { checkModuleNames, isNamed, readOptions } from './options.ts';

type Codebook = readonly (readonly [number, number])[];

/** The published codebooks, [threshold, rate] each, and between which parts of the run motion counts. */
const presets: Record<'fast' | 'slow' | 'long', { codebook: Codebook; active: readonly [number, number] }> = {
  fast: {
    codebook: [
      [0.08, 6],
      [0.16, 5],
      [0.24, 4],
      [0.32, 3],
      [0.4, 2],
      [1, 1],
    ],
    active: [4 / 30, 26 / 30],
  },
  slow: {
    codebook: [
      [0.08, 3],
      [0.16, 2],
      [0.24, 1],
      [0.32, 1],
      [0.4, 1],
      [1, 1],
    ],
    active: [4 / 30, 26 / 30],
  },
  long: {
    codebook: [
      [0.03, 12],
      [0.05, 10],
      [0.07, 8],
      [0.09, 6],
      [0.11, 4],
      [1, 3],
    ],
    active: [0.1, 0.9],
  },
};

/** Options of `adacache`. */
export const adacacheOptions = z.strictObject({
  codebook: z
    .union([z.enum(['fast', 'slow', 'long']), z.array(z.tuple([z.number(), z.int().positive()])).min(1)])
    .default('fast')
    .describe('Pairs [threshold, steps], thresholds rising; or fast and slow (for 30 steps), long (for 100).'),
  probe: z
    .string()
    .default('auto')
    .describe(
      'Whose residual is compared: a role or kind of module, or several joined by +; auto is temporal attention, or self-attention where that is all there is.',
    ),
  blocks: z
    .union([z.literal('middle'), z.array(z.int().nonnegative()).min(1)])
    .default('middle')
    .describe('Numbers of the blocks that are compared; the middle one is 13 of 28.'),
  motion: z.boolean().default(false).describe('Reuse less where the clip moves more (motion regularisation).'),
  motionStrides: z
    .array(z.int().positive())
    .min(1)
    .default([1])
    .describe('Distances in latent frames at which motion is measured.'),
  motionSteps: z
    .union([z.literal('auto'), z.tuple([z.int(), z.int()])])
    .default('auto')
    .describe(
      'First and last step, counted from 1, at which motion counts; auto is the part of the run that the original uses.',
    ),
  motionScale: z
    .tuple([z.number().positive(), z.number(), z.number().positive()])
    .default([0.385, 8, 1])
    .describe('Motion m counts as (m / first) ^ second / third.'),
  motionGradient: z.number().nonnegative().default(10).describe('Weight of the change of motion.'),
});

type Options = z.output<typeof adacacheOptions>;

/** Reuse of whole steps at a rate that follows the content. */
export function adacache(options?: z.input<typeof adacacheOptions>): Policy {
  const settings = readOptions('adacache', adacacheOptions, options);
  return { name: 'adacache', begin: (context) => begin(settings, context) };
}

function begin(options: Options, context: RunContext): Run {
  const { numSteps, arithmetic, state } = context;
  const codebook = typeof options.codebook === 'string' ? presets[options.codebook].codebook : options.codebook;
  const probes = probesOf(options, context.tree);
  const probed = new Set(probes.flatMap(({ first, last }) => [first, last]));
  const motion = options.motion ? createMotion(context, motionOptions(options, numSteps)) : undefined;
  const kept = state.tensors('residuals');
  const now = state.data('rate', { rate: 1, nextRate: 1, computedAt: 0, average: { value: 0, count: 0 } });

  const compare = async (path: string, step: number, residual: Tensor) => {
    const before = kept.get(path);
    if (!before) return;
    const change = await arithmetic.relativeL1(residual, before);
    const { rate, average } = now;
    average.value = (change / rate + average.value * average.count) / (average.count + 1);
    average.count++;
    const { motion: moved, factor } = (await motion?.measure(path, residual, step + 1, rate)) ?? {
      motion: 1,
      factor: 1,
    };
    const metric = average.value * factor;
    now.nextRate = Number.isFinite(metric) ? lookUp(codebook, metric) : 1;
    const { nextRate } = now;
    context.measure({ step, path, values: { change, rate, average: average.value, motion: moved, metric, nextRate } });
  };

  return {
    foreseen: true,
    decide({ node, step }) {
      if (node.level !== 'step') return undefined;
      now.rate = now.nextRate;
      const residual = kept.get('step');
      if (residual && step < now.computedAt + now.rate && step < numSteps - 2) return reuse(residual);
      now.average = { value: 0, count: 0 };
      return undefined;
    },
    wants: (node) => node.level === 'step' || probed.has(node.path),
    async observe({ node, step }, residual) {
      if (node.level === 'step') {
        now.computedAt = step;
        return kept.keep('step', residual);
      }
      const { first, last } = probes.find((probe) => probe.first === node.path || probe.last === node.path)!;
      if (node.path === first) kept.keep('probe', residual);
      if (node.path !== last) return;
      if (first !== last) kept.own('probe', await arithmetic.add(kept.get('probe')!, residual));
      await compare(last, step, kept.get('probe')!);
      kept.keep(last, kept.get('probe')!);
      kept.drop('probe');
    },
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}

/** The modules, first and last of a block, whose residuals together are compared. */
function probesOf({ probe, blocks }: Options, tree: Node): { first: string; last: string }[] {
  const names = probe === 'auto' ? [probeFor(tree)] : probe.split('+');
  checkModuleNames('adacache', names, tree);
  const candidates = [...nodesOf(tree)]
    .filter((node) => node.level === 'block')
    .map((block) => ({ index: block.index, modules: block.children!.filter((module) => isNamed(names, module)) }))
    .filter(({ modules }) => modules.length >= names.length);
  const depth = Math.max(0, ...candidates.map(({ index }) => index + 1));
  const chosen = blocks === 'middle' ? [Math.ceil(depth / 2) - 1] : blocks;
  const missing = chosen.filter((index) => index < 0 || index >= depth);
  if (missing.length > 0) {
    const message = `Policy "adacache" is to compare the ${names.join('+')} of block ${missing}, but the model has blocks 0 to ${depth - 1}.`;
    throw new QuantCacheError('invalid_option', message);
  }
  return candidates
    .filter(({ index }) => chosen.includes(index))
    .map(({ modules }) => ({ first: modules[0]!.path, last: modules.at(-1)!.path }));
}

/** What the original compares in Open-Sora, or the nearest that a model has. */
const probeFor = (tree: Node): string =>
  modulesIn(tree).some(({ kind }) => kind === 'temporal-attention') ? 'temporal-attention' : 'self-attention';

function motionOptions(options: Options, numSteps: number) {
  const { active } = presets[typeof options.codebook === 'string' ? options.codebook : 'fast'];
  const [first, last] = active.map((part) => Math.round(part * numSteps));
  return {
    strides: options.motionStrides,
    active: options.motionSteps === 'auto' ? ([first!, last!] as const) : options.motionSteps,
    scale: options.motionScale,
    gradient: options.motionGradient,
  };
}

const lookUp = (codebook: Codebook, metric: number): number =>
  (codebook.slice(0, -1).find(([threshold]) => metric < threshold) ?? codebook.at(-1)!)[1];
