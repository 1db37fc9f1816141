/**
 * HLC of QuantCache (Wu et al. 2025, arXiv 2503.06545, section 3.2), equations 5 and 6, and the activation bits of AIGQ
 * (section 3.3, equation 8), which follow the same divergence.
 *
 * Figure 2 compares the outputs of self-attention, cross-attention and feed-forward and skips whole steps: mode `step`, one
 * interval from the mean D of the probed modules. The equations have one interval per layer: mode `layer`, every module on
 * its own. Steps 1, N - 1 and N are computed, as in AdaCache.
 */
import * as z from 'zod';
import { modulesIn, type Node, precisions } from '../../../model.ts';
import { compute, type Run, type RunContext, reuse } from '../../../policy.ts';
import { checkModuleNames, isNamed, modulesField } from '../../options.ts';
import { createDivergence, divergenceFields } from './divergence.ts';
import { bitsFor, refreshInterval } from './rules.ts';

const bounds = z.tuple([z.number(), z.number()]);
const auto = z.literal('auto');

/** tau and delta per length of the run. Thresholds are AdaCache's for the same jumps; the paper's are not published. */
const presets = {
  short: { tau: [6, 3, 1], delta: [0.08, 0.32] },
  long: { tau: [12, 6, 3], delta: [0.03, 0.09] },
} as const;

/** Options of equations 5, 6 and 8. */
export const cachingFields = {
  mode: z.enum(['step', 'layer']).default('step').describe('Whether an interval holds for whole steps or per module.'),
  tau: z
    .union([auto, z.tuple([z.int().positive(), z.int().positive(), z.int().positive()])])
    .default('auto')
    .describe('Eq. 6, steps until the next recomputation, [max, mid, min]; auto is 6,3,1 up to 40 steps, else 12,6,3.'),
  delta: z
    .union([auto, bounds])
    .default('auto')
    .describe('Eq. 6, bounds of the divergence; auto is 0.08,0.32 up to 40 steps, else 0.03,0.09.'),
  probe: modulesField().describe('Eq. 5, the modules that are compared, by role or kind.'),
  probeBlocks: z
    .union([z.enum(['middle', 'all']), z.array(z.int().nonnegative()).min(1)])
    .default('middle')
    .describe('Eq. 5, the numbers of the blocks that are compared; the middle one is 13 of 28.'),
  ...divergenceFields,
  theta: bounds.default([0.08, 0.32]).describe('Eq. 8, bounds of the divergence.'),
  bits: z
    .tuple([z.enum(precisions), z.enum(precisions), z.enum(precisions)])
    .optional()
    .describe('Eq. 8, the precisions for [max, mid, min] bits; without it, the precision of the run for all.'),
  bitsDirection: z
    .enum(['falling', 'rising'])
    .default('falling')
    .describe(
      'Eq. 8, whether bits fall as the divergence grows, as printed, or rise, as another sentence of the paper has it.',
    ),
};

export type CachingSettings = z.output<z.ZodObject<typeof cachingFields>>;

/** What caching knows that pruning asks for. */
export interface Variation {
  /** V of equation 11 at the last computed step; NaN before two were computed. */
  value: number;
}

/** Equations 5, 6 and 8 as a run. Writes V of equation 11 to `variation`. */
export function cachingRun(settings: CachingSettings, context: RunContext, variation: Variation): Run {
  const { numSteps, tree, measure, state } = context;
  const preset = numSteps <= 40 ? presets.short : presets.long;
  const tau = settings.tau === 'auto' ? preset.tau : settings.tau;
  const delta = settings.delta === 'auto' ? preset.delta : settings.delta;
  const perLayer = settings.mode === 'layer';
  const { bits } = settings;
  const probes = new Set(probesOf(settings, tree).map(({ path }) => path));
  const equation5 = createDivergence(context, settings);
  const kept = state.tensors('outputs');
  const computedAt = state.data('computed at', new Map<string, number>());
  const due = state.data('due', new Map<string, number>());
  const last = state.data('last', { divergence: Number.NaN });
  /** In the current step. */
  let seen: { divergence: number; change: number; distance: number }[] = [];

  const decides = (node: Node) => (perLayer ? node.level === 'module' : node.level === 'step');
  const always = (step: number) => step === 0 || step >= numSteps - 2;

  const compare = async ({ path }: Node, step: number, now: Parameters<typeof kept.keep>[1]) => {
    const before = kept.get(path);
    if (!before) return void (await equation5.begin(path, now));
    const distance = step - computedAt.get(path)!;
    const found = await equation5.measure({ path, now, before, distance });
    seen.push({ ...found, distance });
    measure({ step, path, values: found });
    due.set(path, step + refreshInterval(found.divergence, delta, tau));
  };

  return {
    foreseen: !perLayer, // modules that differ from clip to clip are better run alone than compiled anew each time
    decide({ node, step }) {
      if (node.level === 'step') seen = [];
      const residual = decides(node) && !always(step) && step < (due.get(node.path) ?? 0) && kept.get(node.path);
      if (residual) return reuse(residual);
      return node.level === 'step' && bits
        ? compute(bitsFor(last.divergence, settings.theta, bits, settings.bitsDirection))
        : undefined;
    },
    wants: (node) => node.level === 'step' || probes.has(node.path) || decides(node),
    async observe({ node, step }, residual) {
      if (node.level === 'module') await compare(node, step, residual);
      else if (seen.length > 0) {
        const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
        const divergence = mean(seen.map((layer) => layer.divergence));
        last.divergence = divergence;
        // While a step is reused p stays, so the k differences of equation 11 since the last computed step are equal.
        variation.value = mean(seen.map(({ change, distance }) => change * distance));
        due.set(node.path, step + refreshInterval(divergence, delta, tau));
        measure({
          step,
          path: node.path,
          values: { divergence, variation: variation.value, due: due.get(node.path)! },
        });
      }
      computedAt.set(node.path, step);
      if (node.level === 'module' || !perLayer) kept.keep(node.path, residual);
    },
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}

/** The modules whose outputs are compared. */
function probesOf({ probe, probeBlocks, mode }: CachingSettings, tree: Node): Node[] {
  checkModuleNames('quantcache-paper', probe, tree);
  const modules = modulesIn(tree);
  const depth = Math.max(0, ...modules.map(({ index }) => index + 1));
  const blocks = probeBlocks === 'middle' ? [Math.ceil(depth / 2) - 1] : probeBlocks;
  const every = mode === 'layer' || blocks === 'all';
  return modules.filter((node) => (mode === 'layer' || isNamed(probe, node)) && (every || blocks.includes(node.index)));
}
