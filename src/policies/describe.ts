/** What the registry holds, in words: for the command line, documentation and user interfaces. */
import * as z from 'zod';
import { policies, policyEntry } from './index.ts';

export interface PolicyDescription {
  readonly name: string;
  readonly description: string;
  readonly options: readonly { readonly name: string; readonly default: unknown; readonly description: string }[];
}

/** All policies, or the one of this name. Throws `invalid_option` for a name that is not in the registry. */
export function describePolicies(name?: string): PolicyDescription[] {
  const names = name === undefined ? Object.keys(policies) : [name];
  return names.map((key) => {
    const { description, options } = policyEntry(key);
    const fields = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }).properties ?? {};
    return {
      name: key,
      description,
      options: Object.entries(fields).map(([option, field]) => describe(option, field as Field)),
    };
  });
}

interface Field {
  readonly default?: unknown;
  readonly description?: string;
}

const describe = (name: string, field: Field) => ({
  name,
  default: field.default ?? null,
  description: field.description ?? '',
});
