#!/usr/bin/env node
/** The command line: one file per command, each loaded only when it is used. Results to stdout, all else to stderr. */
import { Command } from 'commander';
import { exitCode, messageOf, QuantCacheError } from '../errors.ts';
import { version } from '../version.ts';

const program = new Command('quantcache')
  .description('Text to video with diffusion transformers, accelerated: caching, quantization and pruning.')
  .version(version)
  .showHelpAfterError('(add --help for the options)')
  .showSuggestionAfterError();

/** The commands, as a table: a new command is one file and one line here. */
const commands = [
  () => import('./generate.ts'),
  () => import('./inspect.ts'),
  () => import('./verify.ts'),
  () => import('./bench.ts'),
];

async function run(): Promise<void> {
  for (const load of commands) program.addCommand((await load()).command());
  program.exitOverride();
  await program.parseAsync();
}

run().catch((error: unknown) => {
  const { json } = program.args.length ? { json: process.argv.includes('--json') } : { json: false };
  if (isUsageError(error)) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const code = error instanceof QuantCacheError ? error.code : 'unexpected';
    if (json) process.stdout.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`);
    process.stderr.write(`error: ${messageOf(error)}\n`);
    if (process.env.QUANTCACHE_LOG === 'debug') console.error(error);
    process.exitCode = exitCode(error);
  }
});

/** Commander has already printed what was wrong, or the help that was asked for. */
function isUsageError(error: unknown): error is Error & { exitCode: number } {
  return (
    error instanceof Error && 'exitCode' in error && 'code' in error && String(error.code).startsWith('commander.')
  );
}
