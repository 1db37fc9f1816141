/** `quantcache decode`: latents that a run saved to the clips that it would have made. */
import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { assertMemory, assertSameModel, decode, differenceOf, readLatents } from '../api/run.ts';
import { assertFormat, framesOf } from '../api/video.ts';
import { assertOutputs } from '../files/outputs.ts';
import { openModel, QuantCacheError, saveVideo } from '../index.ts';
import { startRuntime } from './device.ts';
import { fileNames } from './filenames.ts';
import { limitOf, type ModelFlags, withMemoryLimit, withModel } from './options.ts';
import { createProgress, interruptSignal } from './progress.ts';

interface DecodeFlags extends ModelFlags {
  out: string;
  memory?: number;
  json?: boolean;
  quiet?: boolean;
}

const examples = `
Examples:
  quantcache generate "a large red star" --save-latents star.safetensors -o star.mp4
  quantcache decode star.safetensors -o star.mp4                    the same bytes again`;

export function command(): Command {
  const decodeCommand = new Command('decode')
    .description('make the clips of latents that "generate --save-latents" wrote')
    .argument('<latents>', 'file of latents')
    .option('-o, --out <file>', 'file to write: .mp4, .webm, .gif, .webp or .png', 'video.mp4')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'no progress');
  return withModel(withMemoryLimit(decodeCommand)).addHelpText('after', examples).action(run);
}

async function run(file: string, flags: DecodeFlags, command: Command): Promise<void> {
  const signal = interruptSignal();
  const progress = createProgress(Boolean(flags.quiet), { keepsStages: true });
  const { latents, geometry, records } = await readLatents(file);
  const files = fileNames(flags.out, records.length);
  for (const clip of files) await assertFormat(clip, { ...geometry, count: geometry.numFrames });
  await assertOutputs(
    files.map((path) => ({ path, option: '--out' })),
    [{ path: file, option: 'decode' }],
  );
  const [record] = records;
  const { source, run: made } = record!;
  const device = command.getOptionValueSource('device') === 'cli' ? flags.device : source.device;
  const runtime = await startRuntime({ device, threads: flags.threads ?? source.threads }, signal);
  await using pipeline = await openModel(runtime, {
    model: flags.model ?? source.model,
    vae: flags.vae ?? source.vae,
    textEncoder: flags.textEncoder ?? source.textEncoder,
    signal,
    onProgress: progress.downloading,
  });
  await assertSameModel(record!, pipeline);
  if (!isDeepStrictEqual(pipeline.geometry(made), geometry))
    throw new QuantCacheError(
      'weights_mismatch',
      `The latents in ${file} are of another shape than ${pipeline.model} has. Name the VAE that belongs to them (--vae).`,
    );
  const prompts = records.length;
  assertMemory(pipeline, { geometry, prompts, loops: latents.length, limit: limitOf(flags.memory) });
  const difference = differenceOf(record!, runtime);
  if (difference) progress.note(`warning: ${difference}`);

  const loop = 0;
  const total = prompts * geometry.numFrames * latents.length;
  const began = performance.now();
  progress.generating({ type: 'stage', stage: 'decode', loop, milliseconds: 0 });
  const frames = decode(pipeline, runtime, { latents, geometry, prompts, signal });
  let next = await frames.next();
  for (; !next.done; next = await frames.next())
    progress.generating({ type: 'frames', decoded: next.value, total, loop, milliseconds: performance.now() - began });
  for (const [i, path] of files.entries())
    await saveVideo(framesOf(next.value[i]!, geometry.fps), path, records[i], signal);
  progress.end();
  if (flags.json) process.stdout.write(`${JSON.stringify({ files, records })}\n`);
  else for (const path of files) process.stdout.write(`${path}\n`);
}
