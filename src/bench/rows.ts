/**
 * What a comparison compares, written in one line: `full,full#15,quantcache,teacache@w8a8:threshold=0.1,warmup=2`.
 * A row is `name[@precision[/recipe]][#steps][:option=value,option=value]`; a piece without a name continues the options
 * before it. `sampler=unipc` is an option of every row, `profile=balanced`, `quality=35` and `speedup=8` of quantcache.
 */

import { quantizationMethods } from '../api/quantization.ts';
import { originOf } from '../errors.ts';
import { parseStrictJson } from '../files/strictjson.ts';
import {
  createPolicy,
  type DecidedOptions,
  decideRun,
  type Pipeline,
  type Precision,
  precisions,
  QuantCacheError,
  type SizeRequest,
} from '../index.ts';

/** One way to make every clip: a policy with its options, a precision and a number of steps. */
export interface Row {
  /** What it was asked for as, without what is the default; unique in a comparison. */
  readonly label: string;
  readonly policy: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Absent where a profile brings its own. */
  readonly precision?: Precision;
  /** How the precision quantizes, by the name of a published method, where not by default. */
  readonly recipe?: string;
  readonly numSteps: number;
}

/** What holds for rows that do not say. */
export interface RowDefaults {
  readonly numSteps: number;
  readonly precision: Precision;
}

const pattern =
  /^(?<policy>[\w-]+)(?:@(?<precision>[\w]+)(?:\/(?<recipe>[\w-]+))?)?(?:#(?<steps>\d+))?(?::(?<options>.*))?$/s;

/** Reads the line; throws `invalid_option` for what no row could be, unknown policies and refused options included. */
export function parseRows(text: string, defaults: RowDefaults): Row[] {
  const rows = splitRows(text).map((part) => parseRow(part, defaults));
  for (const [i, { label }] of rows.entries()) {
    if (rows.findIndex((row) => row.label === label) < i)
      throw new QuantCacheError('invalid_option', `The row "${label}" is given twice; give each row once.`);
  }
  return rows;
}

/**
 * The rows with what speed-ups are measured against in front: full computation at the comparison's number of steps, and
 * at 30 steps where the comparison takes more.
 */
export function withReferences(rows: readonly Row[], numSteps: number): [Row, ...Row[]] {
  const full = fullRow(numSteps, numSteps);
  const references = numSteps > 30 ? [fullRow(30, numSteps)] : [];
  const labels = [full, ...references].map(({ label }) => label);
  return [full, ...references, ...rows.filter(({ label }) => !labels.includes(label))];
}

/** Full computation in fp32 at so many steps, in a comparison at `defaultSteps`. */
export function fullRow(numSteps: number, defaultSteps: number): Row {
  return labelled({ policy: 'full', options: {}, precision: 'fp32', numSteps }, defaultSteps);
}

/** Splits at commas outside of brackets, unless what follows is only an option. */
function splitRows(text: string): string[] {
  const pieces: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if ('[{('.includes(character)) depth++;
    if (']})'.includes(character)) depth--;
    if (character === ',' && depth === 0) pieces.push('');
    else pieces[pieces.length - 1] += character;
  }
  const rows: string[] = [];
  for (const piece of pieces) {
    const continues = /^\s*[A-Za-z]\w*=/.test(piece);
    if (continues && rows.length > 0)
      rows[rows.length - 1] += `${rows.at(-1)!.includes(':') ? ',' : ':'}${piece.trim()}`;
    else rows.push(piece.trim());
  }
  return rows;
}

function parseRow(text: string, defaults: RowDefaults): Row {
  const { policy, precision: named, recipe, steps, options = '' } = pattern.exec(text)?.groups ?? {};
  if (policy === undefined)
    throw new QuantCacheError(
      'invalid_option',
      `"${text}" is no row to compare. Write name[@precision][#steps][:option=value,option=value], such as teacache@w8a8:threshold=0.1.`,
    );
  const parsed = parseOptions(options);
  const precision = named ?? ('profile' in parsed ? undefined : defaults.precision);
  if (precision !== undefined && !precisions.includes(precision as Precision))
    throw new QuantCacheError(
      'invalid_option',
      `"${text}" names the precision "${precision}"; use one of ${precisions.join(', ')}.`,
    );
  if (recipe !== undefined) checkRecipe(text, recipe, precision);
  const numSteps = steps === undefined ? defaults.numSteps : Number(steps);
  if (numSteps < 1) throw new QuantCacheError('invalid_option', `"${text}" takes no steps; use #1 or more.`);
  const row = {
    policy,
    options: parsed,
    ...(precision && { precision: precision as Precision }),
    ...(recipe && { recipe }),
    numSteps,
  };
  checkPolicy(row);
  return labelled(row, defaults.numSteps);
}

/** Refuses strange names and options; a profile is checked when the model is open. */
function checkPolicy({
  policy,
  options: { profile, sampler, quality, speedup, ...options },
}: Pick<Row, 'policy' | 'options'>): void {
  if (sampler !== undefined && typeof sampler !== 'string')
    throw new QuantCacheError('invalid_option', `${JSON.stringify(sampler)} is no sampler; write sampler=unipc.`);
  if (profile !== undefined && (policy !== 'quantcache' || typeof profile !== 'string'))
    throw new QuantCacheError(
      'invalid_option',
      'Profiles are options of quantcache: write quantcache:profile=balanced.',
    );
  if (quality !== undefined && (policy !== 'quantcache' || typeof quality !== 'number'))
    throw new QuantCacheError('invalid_option', 'A quality is an option of quantcache, in decibels: write quality=35.');
  if (speedup !== undefined && (policy !== 'quantcache' || typeof speedup !== 'number'))
    throw new QuantCacheError('invalid_option', 'A speed-up is an option of quantcache, a factor: write speedup=8.');
  createPolicy(policy, options);
}

/**
 * What a row runs for a prompt and a seed. `quantcache:profile=NAME` is the model's profile, options go before its own. Throws
 * `invalid_option` for a profile that was not fitted for such runs: something else under its name would be no measurement.
 * `warn` is told what else the reader of its figures should know.
 */
export async function decideRow(
  { label, policy, options: { profile, sampler, quality, speedup, ...options }, precision, numSteps }: Row,
  pipeline: Pipeline,
  clip: SizeRequest & { readonly prompt: string; readonly seed: number; readonly guidanceScale?: number },
  warn: (message: string) => void = () => {},
): Promise<DecidedOptions> {
  const { prompt, seed, guidanceScale, size, resolution, aspect, frames, duration, fps } = clip;
  const decision = await decideRun(pipeline, {
    ...{ prompts: [prompt], seed, numSteps, guidanceScale, precision, sampler: sampler as string | undefined },
    ...{ size, resolution, aspect, frames, duration, fps },
    ...(profile === undefined ? { policy } : { profile: String(profile) }),
    ...(typeof quality === 'number' && { quality }),
    ...(typeof speedup === 'number' && { speedup }),
    policyOptions: options,
  }).catch((error: unknown) => {
    throw ofRow(label, error);
  });
  if (profile === undefined || decision.profile !== undefined) {
    for (const warning of decision.warnings) warn(`Row "${label}": ${warning}`);
    return decision.run;
  }
  throw ofRow(label, new QuantCacheError('invalid_option', decision.warnings.join(' ')));
}

/** An error that names the row it is about; a run that was stopped is no fault of its row. */
export function ofRow(label: string, thrown: unknown): unknown {
  const error = originOf(thrown);
  if (!(error instanceof QuantCacheError) || error.code === 'aborted') return error;
  return new QuantCacheError(error.code, `Row "${label}": ${error.message}`, { cause: error });
}

function checkRecipe(text: string, recipe: string, precision = 'no precision'): void {
  if (!Object.hasOwn(quantizationMethods, recipe))
    throw new QuantCacheError(
      'invalid_option',
      `"${text}" names the recipe "${recipe}"; use one of ${Object.keys(quantizationMethods).join(', ')}.`,
    );
  if (precision !== 'w8a8' && precision !== 'w4a8')
    throw new QuantCacheError(
      'invalid_option',
      `"${text}" has a recipe for ${precision}; recipes are for w8a8 and w4a8.`,
    );
}

function parseOptions(text: string): Record<string, unknown> {
  const options = text === '' ? [] : splitAtOptions(text);
  return Object.fromEntries(
    options.map((option) => {
      const equals = option.indexOf('=');
      return [option.slice(0, equals), parsedValue(option.slice(equals + 1))];
    }),
  );
}

/** `a=1,b=[2,3]` as `a=1` and `b=[2,3]`: at commas that an option's name follows. */
function splitAtOptions(text: string): string[] {
  const options = text.split(/,(?=\s*[A-Za-z]\w*=)/).map((option) => option.trim());
  const broken = options.find((option) => !/^[A-Za-z]\w*=/.test(option));
  if (broken === undefined) return options;
  throw new QuantCacheError('invalid_option', `"${broken}" is no option of a policy; write it as option=value.`);
}

function parsedValue(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch {
    return text;
  }
}

function labelled(row: Omit<Row, 'label'>, defaultSteps: number): Row {
  const recipe = row.recipe ? `/${row.recipe}` : '';
  const precision = (row.precision ?? 'fp32') === 'fp32' ? '' : `@${row.precision}${recipe}`;
  const steps = row.numSteps === defaultSteps ? '' : `#${row.numSteps}`;
  const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const options = Object.entries(row.options).map(([name, value]) => `${name}=${textOf(value)}`);
  return { ...row, label: `${row.policy}${precision}${steps}${options.length ? `:${options.join(',')}` : ''}` };
}
