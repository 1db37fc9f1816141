/** One clip, made and measured: how long each part took, what was computed, and the pixels. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { summarize, type TraceDocument, traceDocument } from '../api/trace.ts';
import { framesOf } from '../api/video.ts';
import {
  type Frames,
  finish,
  type GenerateEvent,
  generate,
  generateOptionsOf,
  type Pipeline,
  type Runtime,
  type SizeRequest,
  saveVideo,
} from '../index.ts';
import type { Cell, ClipResult } from './comparison.ts';
import { startMemoryMeter } from './memory.ts';
import { decideRow, ofRow, type Row } from './rows.ts';

export interface ClipOptions extends SizeRequest {
  readonly guidanceScale?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
}

export interface MadeClip {
  readonly frames: Frames;
  readonly latents: Float32Array;
  readonly trace: TraceDocument;
  readonly measured: Pick<ClipResult, 'load' | 'times' | 'modules' | 'flops' | 'precisions' | 'peakBytes'>;
}

/** Milliseconds before a clip, in which what measuring the one before has left behind is cleared away. */
const rest = 200;

/** Makes a clip from the prompt to an mp4 file, which is removed. Errors name the row. */
export async function makeClip(
  pipeline: Pipeline,
  runtime: Runtime,
  { row, cell }: { row: Row; cell: Cell },
  options: ClipOptions,
): Promise<MadeClip> {
  await setTimeout(rest);
  const load = Math.round(loadavg()[0]! * 100) / 100;
  const memory = startMemoryMeter();
  const processor = process.cpuUsage();
  const decided = generateOptionsOf(await decideRow(row, pipeline, { ...options, ...cell }));
  const began = performance.now();
  const run = generate(pipeline, runtime, { ...decided, signal: options.signal });
  const result = await finish(run, (event) => {
    memory.sample();
    options.onEvent?.(event);
  }).catch((error: unknown) => {
    throw ofRow(row.label, error);
  });
  const saving = performance.now();
  const frames = framesOf(result.videos[0]!, result.fps);
  await encode(frames, options.signal);
  const ended = performance.now();
  const { user, system } = process.cpuUsage(processor);

  const { geometry, trace } = result;
  const cost = new Map(modulesOf(pipeline).map((node) => [node.path, pipeline.costs.of(node, geometry).flops]));
  const { levels, flops, precisions } = summarize(trace, cost);
  const { text, denoise, decode } = result.times;
  return {
    frames,
    latents: result.latents,
    trace: traceDocument(trace, {
      model: pipeline.model,
      policy: row.label,
      numSteps: row.numSteps,
      blocks: pipeline.network.blocks,
      flops: ({ path }) => cost.get(path) ?? 0,
    }),
    measured: {
      load,
      times: {
        total: ended - began,
        text,
        denoise,
        decode,
        save: ended - saving,
        processor: (user + system) / 1000,
      },
      modules: levels.find(({ level }) => level === 'module')!.compute,
      flops: flops!.computed,
      precisions,
      peakBytes: memory.peak(),
    },
  };
}

/** The modules of the transformer, in the order they run. */
export const modulesOf = (pipeline: Pipeline) => pipeline.network.blocks.flatMap((block) => block.children ?? []);

async function encode(frames: Frames, signal?: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-bench-'));
  try {
    await saveVideo(frames, join(folder, 'clip.mp4'), {}, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
