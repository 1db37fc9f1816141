/**
 * Adaptive Importance-Guided Quantization (AIGQ), our definition of what QuantCache (Wu et al. 2025, arXiv 2503.06545,
 * section 3.3) describes; `paper/` has the equations as published.
 *
 *     I(s, n) = sensitivity(n, s) D / D_ref          precision = the first of the ladder whose importance is reached
 *
 * sensitivity = how much quantizing a module hurts the result, from a profile, by kind or path and by part of the run; 1
 * where it is not known. D = divergence (`memory.ts`, per step of 30) of the whole stack or of the module at its last
 * computed step: what is changing is not repaired by the next steps and needs its digits. Until a divergence is known, and
 * where it is not a number, the most precise is used.
 *
 * A ladder may name more than a backend has: what is not available counts as the next more precise that is.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import { modulesIn, type Node, type Precision, precisions } from '../../model.ts';
import { compute, type Policy, type Run, type RunContext } from '../../policy.ts';
import { readOptions } from '../options.ts';
import { cacheMemoryField } from './hlc.ts';
import type { Memory } from './memory.ts';
import { joined, type Part } from './part.ts';

/** The number of steps that divergences are counted in. */
const referenceSteps = 30;

/** Options of the precision part. */
export const aigqFields = {
  ladder: z
    .array(z.tuple([z.enum(precisions), z.number()]))
    .default([])
    .describe(
      'Pairs [precision, importance], falling: the first whose importance is reached; the last one also below. None: the precision of the run.',
    ),
  available: z
    .array(z.enum(precisions))
    .min(1)
    .default([...precisions])
    .describe('The precisions that the backend runs; others are replaced by the next more precise one.'),
  sensitivity: z
    .record(z.string(), z.union([z.number().nonnegative(), z.array(z.number().nonnegative()).min(1)]))
    .default({})
    .describe('Sensitivity by path or kind of module; a list has one value per equal part of the run.'),
  online: z
    .enum(['none', 'stack', 'module'])
    .default('stack')
    .describe('Whose divergence scales importance; modules keep one more residual each.'),
  reference: z.number().positive().default(0.05).describe('D_ref, the divergence that leaves importance as it is.'),
};

/** Options of `aigq`. */
export const aigqOptions = z.strictObject({ ...aigqFields, ...cacheMemoryField });

/** Settings of the part, with defaults filled in. */
export type AigqSettings = z.output<z.ZodObject<typeof aigqFields>>;

/** Precision alone. */
export function aigq(options?: z.input<typeof aigqOptions>): Policy {
  const { cacheMemory, ...settings } = readOptions('aigq', aigqOptions, options);
  return joined('aigq', cacheMemory, aigqPart(settings));
}

/** Precision as a part. */
export function aigqPart(settings: AigqSettings): Part {
  const { online } = settings;
  const ladder = runnable(settings);
  const undecided = new Set(ladder.map(([precision]) => precision)).size > 1;
  const level = { none: undefined, stack: 'step', module: 'module' }[online];
  return {
    name: 'aigq',
    depth: (node) => (undecided && node.level === level ? 1 : 0),
    begin: (context, memory) => begin({ ...settings, ladder }, context, memory),
  };
}

function begin(settings: AigqSettings, { tree, numSteps }: RunContext, memory: Memory): Run {
  const { ladder, online, reference, sensitivity } = settings;
  checkNames(sensitivity, tree);
  const pace = numSteps / referenceSteps;
  const divergenceAt = (node: Node): number => {
    if (online === 'none') return reference;
    return (memory.seen(online === 'stack' ? tree : node)?.divergence ?? Number.NaN) * pace;
  };
  const [first] = ladder;
  if (!first) return { finest: 'step', decide: () => undefined };
  const [only] = first;
  if (ladder.every(([precision]) => precision === only))
    return { finest: 'step', decide: ({ node }) => (node.level === 'step' ? compute(only) : undefined) };
  return {
    decide({ node, step }) {
      if (node.level !== 'module') return undefined;
      const offline = partOf(sensitivity[node.path] ?? sensitivity[node.kind] ?? 1, step / numSteps);
      return compute(precisionFor(ladder, (offline * divergenceAt(node)) / reference));
    },
  };
}

/** The precision for an importance; the most precise for what is not a finite number. */
export function precisionFor(ladder: AigqSettings['ladder'], importance: number): Precision {
  if (!Number.isFinite(importance)) return ladder[0]![0];
  return (ladder.find(([, least]) => importance >= least) ?? ladder.at(-1)!)[0];
}

/** The precisions that the part may name; none where it leaves that to the run. */
export const precisionsOf = (settings: Pick<AigqSettings, 'ladder' | 'available'>): Precision[] => [
  ...new Set(runnable(settings).map(([precision]) => precision)),
];

/** The ladder with what is not available replaced by the next more precise that is. */
export function runnable({ ladder, available }: Pick<AigqSettings, 'ladder' | 'available'>): AigqSettings['ladder'] {
  const order = precisions.filter((precision) => available.includes(precision));
  return ladder.map(([precision, least]) => {
    const asPrecise = order.filter((other) => precisions.indexOf(other) <= precisions.indexOf(precision));
    return [asPrecise.at(-1) ?? order[0]!, least];
  });
}

/** A value of a list with one per equal part of the run. */
function partOf(values: number | readonly number[], progress: number): number {
  return typeof values === 'number' ? values : values[Math.floor(progress * values.length)]!;
}

function checkNames(sensitivity: AigqSettings['sensitivity'], tree: Node): void {
  const known = new Set(modulesIn(tree).flatMap((n) => [n.path, n.kind]));
  const strange = Object.keys(sensitivity).filter((name) => !known.has(name));
  if (strange.length === 0) return;
  const message = `Sensitivities are given for ${strange.join(', ')}, which this model does not have; they were measured on another model.`;
  throw new QuantCacheError('invalid_option', message);
}
