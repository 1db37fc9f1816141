/** `quantcache verify DIR`: runs every reference case of a folder and compares with the original. */
import { Command, Option } from 'commander';
import { defaultTolerance, type VerificationResult, verifiers, verifyFolder } from '../api/verification.ts';
import { QuantCacheError } from '../index.ts';
import { startRuntime } from './device.ts';
import { positiveNumber } from './options.ts';
import { interruptSignal } from './progress.ts';

interface Flags {
  tolerance: number;
  device: 'cpu' | 'webgpu';
  json?: boolean;
}

export function command(): Command {
  return new Command('verify')
    .description('compare with reference tensors of the original code; exit code 1 if any differs')
    .argument('<folder>', 'folder with a manifest.json that lists cases')
    .option(
      '--tolerance <fraction>',
      "largest error allowed, as a fraction of the tensor's maximum",
      positiveNumber,
      defaultTolerance,
    )
    .addOption(new Option('-d, --device <device>', 'where to run').choices(['cpu', 'webgpu']).default('cpu'))
    .option('--json', 'print the results as JSON')
    .action(run);
}

async function run(folder: string, flags: Flags): Promise<void> {
  const signal = interruptSignal();
  const runtime = await startRuntime(flags, signal);
  const results: VerificationResult[] = [];
  for await (const result of verifyFolder(runtime, folder, {
    verifiers: verifiers(),
    tolerance: flags.tolerance,
    signal,
  })) {
    results.push(result);
    if (!flags.json) process.stdout.write(`${lineOf(result)}\n`);
  }
  const failures = results.filter(({ pass }) => !pass).length;
  const passed = results.length - failures;
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ tolerance: flags.tolerance, passed, failures, results })}\n`);
  else process.stdout.write(`${passed} passed, ${failures} failed\n`);
  if (failures)
    throw new QuantCacheError(
      'verification_failed',
      `${failures} of ${results.length} results are not as the original's, within ${flags.tolerance} of the maximum.`,
    );
}

function lineOf(result: VerificationResult): string {
  if ('reason' in result) return `FAIL  ${result.case}: ${result.reason}`;
  return `${result.pass ? 'pass' : 'FAIL'}  ${result.relativeError.toExponential(1).padStart(8)}  ${result.case}  ${result.tensor}`;
}
