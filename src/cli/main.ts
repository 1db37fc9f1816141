#!/usr/bin/env node
/** The command line: one file per command. Results go to stdout, all else to stderr. */
import { Command, CommanderError } from 'commander';
import { exitCode, messageOf, QuantCacheError } from '../errors.ts';
import { version } from '../version.ts';
import { receiveArguments } from './arguments.ts';

/** The commands, as a table: a new command is one file and one line here. */
const commands = [
  () => import('./generate.ts'),
  () => import('./calibrate.ts'),
  () => import('./policies.ts'),
  () => import('./inspect.ts'),
  () => import('./verify.ts'),
  () => import('./bench.ts'),
];

async function run(args: readonly string[]): Promise<void> {
  const program = new Command('quantcache')
    .description('Text to video with diffusion transformers, accelerated: caching, quantization and pruning.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  for (const load of commands) program.addCommand(inheriting(program, (await load()).command()));
  await program.parseAsync(args, { from: 'user' });
}

/** Commands report errors as the program does, and so do commands of commands. */
function inheriting(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheriting(command, child);
  return command;
}

/** Says what went wrong, for people and with `--json` for programs, and sets the exit code. */
function fail(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    // Commander has already printed what was wrong, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const code = error instanceof QuantCacheError ? error.code : 'unexpected';
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`);
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = exitCode(error);
}

const args = await receiveArguments();
if (typeof args === 'number') process.exitCode = args;
else {
  await run(args).catch((error: unknown) => fail(error, args.includes('--json')));
  if (process.connected) process.disconnect();
}
