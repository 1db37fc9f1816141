/** The policies by name, as data: command line, server, studio and benchmark offer what is listed here. */
import { QuantCacheError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { full, fullOptions } from './full.ts';
import type { OptionsSchema } from './options.ts';

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
