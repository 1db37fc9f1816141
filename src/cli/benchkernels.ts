/** `quantcache bench kernels`: what each precision makes of each kind of module, at the published width by default. */
import { Command } from 'commander';
import { benchKernels } from '../bench/kernels.ts';
import { mostThreads, wholeNumber } from './options.ts';

interface KernelFlags {
  width: number;
  heads: number;
  frames: number;
  tokens: number;
  captionLength: number;
  rounds: number;
  threads?: number;
  json?: boolean;
}

export function kernelsCommand(): Command {
  return new Command('kernels')
    .description('module graphs with random weights in every precision, interleaved, on the CPU')
    .option('--width <channels>', 'channels of the hidden state', wholeNumber(1, 16_384), 1152)
    .option('--heads <count>', 'attention heads', wholeNumber(1, 256), 16)
    .option('--frames <count>', 'latent frames', wholeNumber(1, 1024), 8)
    .option('--tokens <count>', 'tokens per frame', wholeNumber(1, 65_536), 256)
    .option('--caption-length <tokens>', 'caption tokens', wholeNumber(1, 4096), 120)
    .option('--rounds <count>', 'runs of each', wholeNumber(1, 10_000), 10)
    .option('--threads <count>', 'CPU threads; default 2', wholeNumber(1, mostThreads))
    .option('--json', 'print all figures as JSON')
    .action(runKernels);
}

async function runKernels(flags: KernelFlags): Promise<void> {
  const { width: hiddenSize, heads: numHeads, captionLength, rounds, threads, json } = flags;
  const shape = [1, flags.frames, flags.tokens] as const;
  const result = await benchKernels({
    hiddenSize,
    numHeads,
    shape,
    captionLength,
    rounds,
    ...(threads && { threads }),
  });
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const rows = result.modules.map(({ kind, precision, simulated, median, speedup, error }) =>
    [
      kind.padEnd(18),
      precision.padEnd(5),
      `${median.toFixed(1)} ms`.padStart(9),
      `${speedup.toFixed(2)}x`.padStart(7),
      `  error ${error.toExponential(1)}${simulated ? `  simulated: ${simulated}` : ''}`,
    ].join(' '),
  );
  process.stdout.write(`${rows.join('\n')}\n`);
}
