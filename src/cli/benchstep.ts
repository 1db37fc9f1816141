/** `quantcache bench step`: time per denoising step and peak memory. */
import { Command, Option } from 'commander';
import { benchStep } from '../bench/step.ts';
import { openModel, type Precision, precisions, type SizeRequest } from '../index.ts';
import { startRuntime } from './device.ts';
import { type ModelFlags, modelOf, wholeNumber, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal, seconds } from './progress.ts';

interface StepFlags extends ModelFlags, SizeRequest {
  prompt: string;
  steps: number;
  seed: number;
  precision: Precision;
}

export function stepCommand(): Command {
  const step = new Command('step')
    .description('time per denoising step with full computation, and peak memory, as JSON')
    .option('--prompt <text>', 'what to show', 'a large red star moves right over a blue background')
    .option('--steps <count>', 'steps to measure; the first one also compiles', wholeNumber(1), 3)
    .option('--seed <number>', 'seed of the noise', wholeNumber(0), 42)
    .addOption(
      new Option('--precision <precision>', 'number format of linear layers').choices(precisions).default('fp32'),
    );
  return withSize(withModel(step)).action(runStep);
}

async function runStep(flags: StepFlags): Promise<void> {
  const signal = interruptSignal();
  const progress = createProgress(false);
  const runtime = await startRuntime(flags, signal);
  await using pipeline = await openModel(runtime, { ...modelOf(flags), signal, onProgress: progress.downloading });
  const { steps: numSteps, ...options } = flags;
  const onStep = (index: number, time: number) =>
    progress.note(`step ${index + 1} of ${numSteps} after ${seconds(time)}`);
  const result = await benchStep(pipeline, runtime, { ...options, numSteps, signal, onStep });
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}
