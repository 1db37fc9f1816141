/**
 * Hierarchical Latent Caching (HLC), our definition of what QuantCache (Wu et al. 2025, arXiv 2503.06545, section 3.2)
 * describes; `paper/` has the equations as published.
 *
 * Outer level: the divergence D of the whole stack's residual (`memory.ts`), or its mean over probe modules, picks from a
 * codebook for how many of the following steps the stack's residual is reused. A codebook is written for 30 steps and
 * carries over to N: a step of N is 30/N as long, so D counts N/30 times and lengths are multiplied by N/30.
 *
 * Inner level: at a computed step, a module whose residual would have moved by less than a threshold since it was last
 * computed, D (s - s'), adds it again.
 *
 * Both hold the last residual (order 0) or follow its change (order 1, the line through the last two; `history.ts`). What
 * is far from smooth is followed too far that way, so the stack follows in part: `follow` of the way from the one to the
 * other. The first and last steps are always computed, and so is whatever a broken statistic stands behind.
 *
 * Where calibration has made a plan, the outer level follows it instead (`leaps.ts`); or it leaps as far as the clip allows
 * (`leaping/`).
 */
import * as z from 'zod';
import { type Node, nodesOf } from '../../model.ts';
import { type Policy, predict, type Run, type RunContext } from '../../policy.ts';
import type { Term } from '../../runtime/arithmetic.ts';
import { tellIfAlwaysComputed } from '../idle.ts';
import { checkModuleNames, isNamed, modulesField, readOptions } from '../options.ts';
import { followAnswers, leapingFields } from './leaping/leaping.ts';
import { followPlan, planFor, planSchema } from './leaps.ts';
import type { Memory } from './memory.ts';
import { joined, type Part } from './part.ts';

/** The number of steps that codebooks are written for. */
const referenceSteps = 30;

/** Options of the caching part. */
export const hlcFields = {
  plans: z
    .record(z.string().regex(/^[1-9]\d*$/), planSchema)
    .default({})
    .describe(
      'Plans by number of steps, from calibration; runs of other lengths follow the nearest. None: the codebook.',
    ),
  leaps: z
    .union([z.literal(false), z.strictObject(leapingFields)])
    .default(false)
    .describe('Leaps that follow the clip, where there is no plan, or false for the codebook.'),
  codebook: z
    .array(z.tuple([z.number().positive(), z.int().nonnegative()]))
    .default([
      [0.03, 5],
      [0.06, 3],
      [0.12, 1],
    ])
    .describe(
      'Pairs [divergence, steps], rising: below a divergence per step of 30, that many steps reuse; above the last, none.',
    ),
  probe: z
    .union([z.literal('stack'), z.array(z.string()).min(1)])
    .default('stack')
    .describe('Whose divergence is looked up: the whole stack, or the mean of modules, by role or kind.'),
  order: z
    .int()
    .min(0)
    .max(2)
    .default(1)
    .describe('0 adds the last residual of the stack again, 1 follows its last change, 2 its curvature too.'),
  follow: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('How far a prediction is followed: 1 wholly, 0 holds; between, the weighted mean of both.'),
  warmup: z.int().positive().default(3).describe('Steps at the beginning that are always computed.'),
  final: z.int().nonnegative().default(1).describe('Steps at the end that are always computed.'),
  inner: z
    .number()
    .nonnegative()
    .default(0)
    .describe('At computed steps, modules reuse what would have moved by less than this share; 0 computes all.'),
  innerKinds: modulesField().describe('The modules, by role or kind, that may reuse at computed steps.'),
  innerOrder: z.int().min(0).max(1).default(0).describe('As order, for modules.'),
};

/** The memory bound, an option of every policy made of parts. */
export const cacheMemoryField = {
  cacheMemory: z
    .number()
    .nonnegative()
    .default(4096)
    .describe('The most that kept residuals may take, in MB; what does not fit is computed.'),
};

/** Options of `hlc`. */
export const hlcOptions = z.strictObject({ ...hlcFields, ...cacheMemoryField });

/** Settings of the part, with defaults filled in. */
export type HlcSettings = z.output<z.ZodObject<typeof hlcFields>>;

/** Caching alone. */
export function hlc(options?: z.input<typeof hlcOptions>): Policy {
  const { cacheMemory, ...settings } = readOptions('hlc', hlcOptions, options);
  return joined('hlc', cacheMemory, hlcPart(settings));
}

/** Whether a run by these settings leaps over steps, by a plan or by what it shows. */
export const isLeaping = ({ plans, leaps }: HlcSettings, context: RunContext): boolean =>
  planFor(plans, context) !== undefined || (leaps !== false && context.leap !== undefined);

/** Caching as a part. */
export function hlcPart(settings: HlcSettings): Part {
  const { probe, order, inner, innerKinds, innerOrder } = settings;
  const kinds: readonly string[] = inner > 0 ? innerKinds : [];
  const probes: readonly string[] = probe === 'stack' ? [] : probe;
  return {
    name: 'hlc',
    depth(node, context) {
      if (node.level === 'step') return isLeaping(settings, context) ? 0 : order + 1;
      if (isNamed(kinds, node)) return innerOrder + 1;
      return isNamed(probes, node) ? 1 : 0;
    },
    begin: (context, memory) => begin(settings, context, memory),
  };
}

function begin(settings: HlcSettings, context: RunContext, memory: Memory): Run {
  const { numSteps, tree, measure, state } = context;
  const { warmup, final, inner, codebook, follow } = settings;
  const pace = numSteps / referenceSteps;
  checkModuleNames('hlc', [...settings.innerKinds, ...(settings.probe === 'stack' ? [] : settings.probe)], tree);
  const probes = probesOf(settings, tree);
  const plan = planFor(settings.plans, context);
  const leaps = !plan && settings.leaps && context.leap ? settings.leaps : undefined;
  if (!plan && !leaps) tellIfAlwaysComputed(context, 'hlc', { option: 'warmup', first: warmup, last: final });
  const next = state.data('next', { due: 0 });

  const drift = (node: Node, step: number): number => {
    const seen = memory.seen(node);
    return seen?.divergence === undefined ? Number.NaN : seen.divergence * (step - seen.step);
  };
  return {
    ...(plan && followPlan(plan, context, memory)),
    ...(leaps && followAnswers(leaps, context, memory)),
    finest: inner > 0 || settings.probe !== 'stack' ? 'module' : 'step',
    decide({ node, step }) {
      if (node.level === 'step') {
        if (plan || leaps || step < warmup || step >= numSteps - final || step >= next.due) return undefined;
        const terms = memory.predict(node, step);
        return terms && predict(followed(terms, follow));
      }
      const mayReuse = inner > 0 && isNamed(settings.innerKinds, node) && step >= warmup;
      if (!mayReuse || step >= numSteps - final || !(drift(node, step) < inner)) return undefined;
      const terms = memory.predict(node, step);
      return terms && predict(terms);
    },
    wants: (node) => node.level === 'step' && memory.wants(node),
    observe({ node, step }) {
      const divergence = aggregate(probes, memory, step);
      const reused = lookUp(codebook, divergence * pace) * pace;
      next.due = step + 1 + Math.floor(reused);
      if (!Number.isNaN(divergence))
        measure({ step, path: node.path, values: { aggregate: divergence, due: next.due } });
    },
  };
}

function probesOf({ probe }: HlcSettings, tree: Node): Node[] {
  if (probe === 'stack') return [tree];
  return [...nodesOf(tree)].filter((node) => isNamed(probe, node));
}

/** Mean divergence of the probes that were computed at this step; NaN if there is none. */
function aggregate(probes: readonly Node[], memory: Memory, step: number): number {
  const seen = probes.map(memory.seen).filter((sighting) => sighting?.step === step);
  return seen.reduce((sum, sighting) => sum + (sighting?.divergence ?? Number.NaN), 0) / seen.length;
}

/** A mean of a prediction and of holding its first term, the latest residual. */
export const followed = (terms: readonly Term[], follow: number): Term[] =>
  terms
    .map(({ tensor, weight }, i) => ({ tensor, weight: follow * weight + (i === 0 ? 1 - follow : 0) }))
    .filter(({ weight }) => weight !== 0);

/** Steps to reuse at a divergence; none above the last entry, and none for what is not a number. */
export const lookUp = (codebook: HlcSettings['codebook'], divergence: number): number =>
  codebook.find(([threshold]) => divergence < threshold)?.[1] ?? 0;
