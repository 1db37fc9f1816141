/** `quantcache policies`: what can be chosen with `--policy`, and every option with its default and effect. */
import { Command } from 'commander';
import { describePolicies } from '../index.ts';

export function command(): Command {
  return new Command('policies')
    .description('list the acceleration methods and their options')
    .argument('[name]', 'only this one')
    .option('--json', 'print as JSON')
    .action(run);
}

function run(name: string | undefined, flags: { json?: boolean }): void {
  const list = describePolicies(name);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
    return;
  }
  for (const policy of list) {
    process.stdout.write(`${policy.name.padEnd(18)} ${policy.description}\n`);
    if (name === undefined) continue;
    for (const option of policy.options) {
      process.stdout.write(`  ${option.name} = ${JSON.stringify(option.default)}\n      ${option.description}\n`);
    }
  }
  if (name === undefined) process.stdout.write('\nOptions of one: quantcache policies <name>\n');
}
