/** What was typed, checked before a command acts on it: no option without a value, and none that nothing would read. */
import type { Command } from 'commander';
import { QuantCacheError } from '../errors.ts';

/** Refuses options and arguments whose value is empty: they would count as not given. */
export function refuseEmptyValues(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && value.trim() === '')
      throw new QuantCacheError('invalid_option', `${nameOf(option)} is empty; give it a value or leave it out.`);
  }
  for (const [i, argument] of command.registeredArguments.entries()) {
    if (!argument.variadic && command.args[i]?.trim() === '')
      throw new QuantCacheError('invalid_option', `<${argument.name()}> is empty; give it a value.`);
  }
}

/**
 * Refuses options that were typed though nothing reads them in this use of the command. `why` completes "...: ": what they
 * would need, and what to do.
 */
export function refuseUnread(command: Command, attributes: readonly string[], why: string): void {
  const unread = command.options.filter(
    (option) =>
      attributes.includes(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (unread.length === 0) return;
  const names = unread.map(nameOf).join(' and ');
  throw new QuantCacheError('invalid_option', `Nothing would read ${names} here: ${why}.`);
}

const nameOf = ({ long, short }: { long?: string | null; short?: string | null }): string => long ?? short ?? '';
