/** `quantcache inspect`: a model's tree, parameters, operations per step and memory, without running it; or a trace. */
import { Command } from 'commander';
import type { Node } from '../api/models.ts';
import { type Geometry, openModel, type Pipeline, type SizeRequest } from '../index.ts';
import { startRuntime } from './device.ts';
import { refuseUnread } from './given.ts';
import { type ModelFlags, modelOf, withModel, withSize } from './options.ts';
import { createProgress, interruptSignal } from './progress.ts';
import { inspectTrace } from './trace.ts';

interface Flags extends ModelFlags, SizeRequest {
  json?: boolean;
  blocks?: boolean;
  trace?: string;
  out?: string;
}

export function command(): Command {
  const inspect = new Command('inspect').description(
    'show what a model is made of and what a step costs, or what a run did',
  );
  return withSize(withModel(inspect))
    .option('--blocks', 'one line per block')
    .option('--trace <file>', 'show what a run did, from a file that "generate --trace" wrote')
    .option('-o, --out <file>', 'with --trace: draw the decision map, .svg or .png')
    .option('--json', 'print as JSON')
    .action(run);
}

/** What says which model to look at, and how. */
const ofModels = [
  ...['model', 'vae', 'textEncoder', 'device', 'threads', 'blocks'],
  ...['size', 'resolution', 'aspect', 'frames', 'duration', 'fps'],
];

async function run(flags: Flags, command: Command): Promise<void> {
  if (flags.trace !== undefined) {
    refuseUnread(command, ofModels, 'a trace (--trace) is shown without its model; leave it out');
    return inspectTrace(flags.trace, flags);
  }
  refuseUnread(command, ['out'], 'it draws the decision map of a trace; add --trace <file> or leave it out');
  const signal = interruptSignal();
  const progress = createProgress(false);
  const runtime = await startRuntime(flags, signal);
  await using pipeline = await openModel(runtime, {
    ...modelOf(flags),
    signal,
    onProgress: progress.downloading,
  });
  const geometry = pipeline.geometry(flags);
  const modules = pipeline.network.blocks.flatMap((block) => block.children!);
  const kinds = groupByKind(pipeline, modules, geometry);
  const total = sum(kinds);
  const hiddenBytes = pipeline.costs.hiddenDims(geometry).reduce((size, n) => size * n, 4);
  if (flags.json) {
    const { model } = pipeline;
    const { weightBytes } = pipeline.costs;
    const blocks = pipeline.network.blocks.map((block) => ({
      path: block.path,
      modules: block.children!.map((module) => ({
        path: module.path,
        kind: module.kind,
        ...pipeline.costs.of(module, geometry),
      })),
    }));
    process.stdout.write(
      `${JSON.stringify({ model, geometry, weightBytes, kinds, total, hiddenBytes, blocks }, null, 2)}\n`,
    );
    return;
  }
  const { latent } = geometry;
  const lines = [
    `${pipeline.model}: ${pipeline.network.blocks.length} blocks, ${millions(total.parameters)} parameters in them`,
    `clip: ${geometry.numFrames} frames of ${geometry.width}x${geometry.height} at ${geometry.fps} fps; latents ${latent.channels}x${latent.frames}x${latent.height}x${latent.width}`,
    '',
    row('module', 'count', 'parameters', 'weights', 'GFLOP/step', 'share'),
    ...kinds.map((kind) =>
      row(
        kind.kind,
        String(kind.count),
        millions(kind.parameters),
        megabytes(kind.bytes),
        giga(kind.flops),
        percent(kind.flops / total.flops),
      ),
    ),
    row(
      'all blocks',
      String(modules.length),
      millions(total.parameters),
      megabytes(total.bytes),
      giga(total.flops),
      '',
    ),
    '',
    ...Object.entries(pipeline.costs.weightBytes).map(([part, bytes]) => `weights of the ${part}: ${megabytes(bytes)}`),
    `one kept residual: ${megabytes(hiddenBytes)}; of every module: ${megabytes(hiddenBytes * modules.length)}`,
  ];
  if (flags.blocks) lines.push('', ...pipeline.network.blocks.map((block) => blockLine(pipeline, block, geometry)));
  process.stdout.write(`${lines.join('\n')}\n`);
}

interface KindCost {
  kind: string;
  count: number;
  parameters: number;
  bytes: number;
  flops: number;
}

function groupByKind(pipeline: Pipeline, modules: readonly Node[], geometry: Geometry): KindCost[] {
  const kinds = new Map<string, KindCost>();
  for (const module of modules) {
    const entry = kinds.get(module.kind) ?? { kind: module.kind, count: 0, parameters: 0, bytes: 0, flops: 0 };
    const cost = pipeline.costs.of(module, geometry);
    kinds.set(module.kind, {
      kind: module.kind,
      count: entry.count + 1,
      parameters: entry.parameters + cost.parameters,
      bytes: entry.bytes + cost.bytes,
      flops: entry.flops + cost.flops,
    });
  }
  return [...kinds.values()];
}

const sum = (kinds: readonly KindCost[]) => ({
  parameters: kinds.reduce((total, { parameters }) => total + parameters, 0),
  bytes: kinds.reduce((total, { bytes }) => total + bytes, 0),
  flops: kinds.reduce((total, { flops }) => total + flops, 0),
});

function blockLine(pipeline: Pipeline, block: Node, geometry: Geometry): string {
  const flops = block.children!.reduce((total, module) => total + pipeline.costs.of(module, geometry).flops, 0);
  return `  ${block.path.padEnd(22)} ${giga(flops).padStart(10)} GFLOP`;
}

const row = (...cells: string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(12))).join('');
const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
const giga = (flops: number): string => (flops / 1e9).toFixed(1);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
