#!/usr/bin/env node
/** The command line: one file per command. Results go to stdout, all else to stderr. */
import { Command, CommanderError } from 'commander';
import { exitCode, messageOf, originOf, QuantCacheError } from '../errors.ts';
import { version } from '../version.ts';
import { receiveArguments, releaseParent } from './arguments.ts';
import { refuseEmptyValues } from './given.ts';
import { keepRunningWithoutReaders } from './streams.ts';

/** The commands, as a table: a new command is one file and one line here. */
const commands: Readonly<Record<string, () => Promise<{ command(): Command }>>> = {
  generate: () => import('./generate.ts'),
  decode: () => import('./decode.ts'),
  serve: () => import('./serve.ts'),
  worker: () => import('./worker.ts'),
  calibrate: () => import('./calibrate.ts'),
  policies: () => import('./policies.ts'),
  inspect: () => import('./inspect.ts'),
  verify: () => import('./verify.ts'),
  bench: () => import('./bench.ts'),
  doctor: () => import('./doctor.ts'),
  cache: () => import('./cache.ts'),
};

async function run(args: readonly string[]): Promise<void> {
  const program = new Command('quantcache')
    .description('Text to video with diffusion transformers, accelerated: caching, quantization and pruning.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .hook('preAction', (_, command) => refuseEmptyValues(command))
    .exitOverride();
  // The one that is named, if one is: a server does not load the engine that other commands run.
  const named = Object.hasOwn(commands, args[0] ?? '') ? commands[args[0]!] : undefined;
  for (const load of named ? [named] : Object.values(commands))
    program.addCommand(inheriting(program, (await load()).command()));
  await program.parseAsync(args, { from: 'user' });
}

/** Commands report errors as the program does, and so do commands of commands. */
function inheriting(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheriting(command, child);
  return command;
}

/** Says what went wrong, for people and with `--json` for programs, and sets the exit code. */
function fail(thrown: unknown, json: boolean): void {
  const error = originOf(thrown);
  const isUsage = error instanceof CommanderError;
  if (isUsage && error.exitCode === 0) return; // help or version, which were asked for and are printed
  const code = isUsage ? 'invalid_option' : error instanceof QuantCacheError ? error.code : 'unexpected';
  const message = messageOf(error).replace(/^error: /, '');
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  // Commander has already told people. A moving line may stand where this is written.
  if (!isUsage) process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}error: ${message}\n`);
  process.exitCode = isUsage ? 2 : exitCode(error);
}

keepRunningWithoutReaders();
const args = await receiveArguments();
if (typeof args === 'number') process.exitCode = args;
else {
  await run(args).catch((error: unknown) => fail(error, args.includes('--json')));
  releaseParent();
}
