/** The policies by name, as data: command line, server, studio and benchmark offer what is listed here. */
import type * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import type { Precision } from '../model.ts';
import type { Policy } from '../policy.ts';
import { adacache, adacacheOptions } from './adacache.ts';
import { dbcache, dbcacheOptions } from './dbcache.ts';
import { deltadit, deltaditOptions } from './deltadit.ts';
import { easycache, easycacheOptions } from './easycache.ts';
import { fbcache, fbcacheOptions } from './fbcache.ts';
import type { Fit } from './fitting.ts';
import { fora, foraOptions } from './fora.ts';
import { full, fullOptions } from './full.ts';
import { tellingIdleness } from './idle.ts';
import { fitMagcache, magcache, magcacheOptions } from './magcache.ts';
import { type OptionsSchema, readOptions } from './options.ts';
import { pab, pabOptions } from './pab.ts';
import { aigq, aigqOptions, precisionsOf } from './quantcache/aigq.ts';
import { hlc, hlcOptions } from './quantcache/hlc.ts';
import { quantcache, quantcacheOptions } from './quantcache/index.ts';
import { paperOptions, quantcachePaper } from './quantcache/paper/index.ts';
import { srap, srapOptions } from './quantcache/srap.ts';
import { schedule, scheduleOptions } from './schedule.ts';
import { staticOptions, staticPolicy } from './static.ts';
import { taylorseer, taylorseerOptions } from './taylorseer.ts';
import { fitTeacache, teacache, teacacheOptions } from './teacache.ts';
import { tgate, tgateOptions } from './tgate.ts';

/** A policy that can be chosen by name. */
export interface PolicyEntry {
  /** One line for lists and help. */
  readonly description: string;
  /** Every option with its default and its effect. */
  readonly options: OptionsSchema;
  /** Makes the policy; throws `invalid_option` for options that the schema refuses. */
  create(options?: object): Policy;
  /** Options that are a model's own, from measurements of `quantcache calibrate --policy`. */
  readonly fit?: Fit;
  /** Computes everything on purpose. */
  readonly isReference?: boolean;
  /** The precisions that the policy names itself under these options, defaults filled in; absent where it names none ever. */
  precisions?(options: Readonly<Record<string, unknown>>): readonly Precision[];
}

const entry = <Schema extends OptionsSchema>(
  description: string,
  options: Schema,
  create: PolicyEntry['create'],
  more: {
    readonly fit?: Fit;
    readonly isReference?: boolean;
    precisions?(options: z.output<Schema>): readonly Precision[];
  } = {},
): PolicyEntry => ({ description, options, create, ...more }) as PolicyEntry;

/** Every policy. Adding one takes its file and a line here. */
export const policies: Readonly<Record<string, PolicyEntry>> = {
  quantcache: entry('caching, precision and pruning decided together', quantcacheOptions, quantcache, {
    precisions: ({ aigq }) => (aigq ? precisionsOf(aigq) : []),
  }),
  'quantcache-paper': entry('QuantCache as published, equations 5 to 11', paperOptions, quantcachePaper, {
    precisions: ({ bits = [] }) => [...new Set(bits)],
  }),
  hlc: entry('the caching of quantcache alone', hlcOptions, hlc),
  aigq: entry('the precision of quantcache alone', aigqOptions, aigq, { precisions: precisionsOf }),
  srap: entry('the pruning of quantcache alone', srapOptions, srap),
  full: entry('no acceleration, the reference', fullOptions, full, { isReference: true }),
  static: entry('whole steps reused at fixed steps', staticOptions, staticPolicy),
  schedule: entry('whole steps reused by an explicit or an optimal schedule', scheduleOptions, schedule),
  adacache: entry('whole steps reused at a rate that follows the content', adacacheOptions, adacache),
  teacache: entry('whole steps reused while the input changes little', teacacheOptions, teacache, {
    fit: fitTeacache,
  }),
  magcache: entry('whole steps reused while residuals keep their size', magcacheOptions, magcache, {
    fit: fitMagcache,
  }),
  easycache: entry('whole steps reused while the output is predicted to change little', easycacheOptions, easycache),
  taylorseer: entry('residuals predicted by a Taylor expansion', taylorseerOptions, taylorseer),
  fbcache: entry('all blocks but the first reused while that one changes little', fbcacheOptions, fbcache),
  dbcache: entry('middle blocks reused while the first ones change little', dbcacheOptions, dbcache),
  deltadit: entry('last blocks reused in early steps, first ones in late steps', deltaditOptions, deltadit),
  fora: entry('all modules reused for a fixed number of steps', foraOptions, fora),
  pab: entry('each kind of attention reused for a fixed number of steps', pabOptions, pab),
  tgate: entry('attention to the text reused after a gate step', tgateOptions, tgate),
};

/** A policy's entry; throws `invalid_option` for a name that is not in the registry. */
export function policyEntry(name: string): PolicyEntry {
  const entry = Object.hasOwn(policies, name) ? policies[name] : undefined;
  if (entry) return entry;
  const names = Object.keys(policies).join(', ');
  throw new QuantCacheError('invalid_option', `There is no policy "${name}". Choose one of: ${names}.`);
}

/** Makes a policy by name, with options as the command line gives them. It tells the user where it saves nothing. */
export function createPolicy(name: string, options: Readonly<Record<string, unknown>> = {}): Policy {
  const { create, isReference } = policyEntry(name);
  const policy = create(options);
  return isReference ? policy : tellingIdleness(policy);
}

/** A policy's options as plain data, defaults filled in; throws `invalid_option` for what its schema refuses. */
export const completeOptions = (name: string, options: object = {}): Record<string, unknown> =>
  readOptions(name, policyEntry(name).options, options);

/** The precisions that a policy with these options names itself; none where it leaves that to the run. */
export const ownPrecisions = (name: string, options: object = {}): readonly Precision[] =>
  policyEntry(name).precisions?.(completeOptions(name, options)) ?? [];
