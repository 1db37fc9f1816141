/** The policies by name, as data: command line, server, studio and benchmark offer what is listed here. */
import { QuantCacheError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { adacache, adacacheOptions } from './adacache.ts';
import { fora, foraOptions } from './fora.ts';
import { full, fullOptions } from './full.ts';
import type { OptionsSchema } from './options.ts';
import { pab, pabOptions } from './pab.ts';
import { staticOptions, staticPolicy } from './static.ts';
import { taylorseer, taylorseerOptions } from './taylorseer.ts';

/** A policy that can be chosen by name. */
export interface PolicyEntry {
  /** One line for lists and help. */
  readonly description: string;
  /** Every option with its default and its effect. */
  readonly options: OptionsSchema;
  /** Makes the policy; throws `invalid_option` for options that the schema refuses. */
  create(options?: object): Policy;
}

/** Every policy. Adding one takes its file and a line here. */
export const policies: Readonly<Record<string, PolicyEntry>> = {
  full: { description: 'no acceleration, the reference', options: fullOptions, create: full },
  static: { description: 'whole steps reused at fixed steps', options: staticOptions, create: staticPolicy },
  adacache: {
    description: 'whole steps reused at a rate that follows the content',
    options: adacacheOptions,
    create: adacache,
  },
  pab: { description: 'each kind of attention reused for a fixed number of steps', options: pabOptions, create: pab },
  fora: { description: 'all modules reused for a fixed number of steps', options: foraOptions, create: fora },
  taylorseer: {
    description: 'residuals predicted by a Taylor expansion',
    options: taylorseerOptions,
    create: taylorseer,
  },
};

/** Makes a policy by name, with options as the command line gives them. */
export function createPolicy(name: string, options: Readonly<Record<string, unknown>> = {}): Policy {
  const entry = Object.hasOwn(policies, name) ? policies[name] : undefined;
  if (!entry) {
    const names = Object.keys(policies).join(', ');
    throw new QuantCacheError('invalid_option', `There is no policy "${name}". Choose one of: ${names}.`);
  }
  return entry.create(options);
}
