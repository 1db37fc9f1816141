/** Whole clips, from the prompt to the file: the time of every stage, its peak memory, and what the file takes. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarize } from '../api/trace.ts';
import { framesOf } from '../api/video.ts';
import {
  type DecidedOptions,
  finish,
  type GenerateEvent,
  generate,
  generateOptionsOf,
  type Pipeline,
  type Runtime,
  saveVideo,
} from '../index.ts';
import { type Resident, watchResident } from './resident.ts';

/** One stage. Memory is that of the whole process, with what earlier stages left behind; absent where it cannot be told apart. */
export interface StageCost {
  readonly milliseconds: number;
  readonly peak?: Resident;
}

export interface WholeClip {
  readonly prompt: string;
  readonly seed: string;
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly numSteps: number;
  /** Steps that the network ran for. */
  readonly computed: number;
  /** What the modules were computed in. */
  readonly precisions: readonly string[];
  readonly stages: Readonly<Record<string, StageCost>>;
  readonly milliseconds: number;
  readonly peak?: Resident;
  /** Bytes of the mp4 file. */
  readonly file: number;
}

/** Makes a clip and removes it. Throws what `generate` throws. */
export async function measureClip(
  pipeline: Pipeline,
  runtime: Runtime,
  run: DecidedOptions,
  { signal, onEvent }: { signal?: AbortSignal; onEvent?: (event: GenerateEvent) => void } = {},
): Promise<WholeClip> {
  using watch = watchResident();
  const stages: Record<string, StageCost> = {};
  let [stage, began] = ['text', performance.now()];
  const start = began;
  const enter = (next: string) => {
    const now = performance.now();
    stages[stage] = { milliseconds: now - began, peak: watch.peak() };
    [stage, began] = [next, now];
  };
  const result = await finish(generate(pipeline, runtime, { ...generateOptionsOf(run), signal }), (event) => {
    onEvent?.(event);
    if (event.type === 'stage' && event.stage !== stage) enter(event.stage);
  });
  enter('save');
  const file = await sizeOfFile(result.videos[0]!, result.fps, signal);
  enter('end');
  const costs = Object.values(stages);
  const most = (kind: keyof Resident) => Math.max(...costs.map(({ peak }) => peak?.[kind] ?? 0));
  const { height, width, frames } = result.videos[0]!;
  return {
    ...{ prompt: run.prompts[0]!, seed: run.seed, height, width, frames, numSteps: run.numSteps },
    computed: result.trace.decisions.filter(({ level, did }) => level === 'step' && did === 'compute').length,
    precisions: Object.keys(summarize(result.trace).precisions),
    stages,
    milliseconds: performance.now() - start,
    ...(costs[0]!.peak && { peak: { anonymous: most('anonymous'), mapped: most('mapped') } }),
    file,
  };
}

async function sizeOfFile(video: Parameters<typeof framesOf>[0], fps: number, signal?: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-bench-'));
  try {
    const file = join(folder, 'clip.mp4');
    await saveVideo(framesOf(video, fps), file, {}, signal);
    return (await stat(file)).size;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
