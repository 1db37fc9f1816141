/** Whole clips as a table: a row for each, a column for each stage. */
import type { Machine } from './machine.ts';
import type { Resident } from './resident.ts';
import type { WholeClip } from './wholeclip.ts';

/** What a run of `bench clip` found. */
export interface WholeClips {
  readonly machine: Machine;
  readonly model: string;
  /** The trace whose decisions were replayed. */
  readonly decisions?: string;
  /** Milliseconds until the model was open. */
  readonly open: number;
  readonly clips: readonly WholeClip[];
}

const stageNames = ['text', 'denoise', 'decode', 'save'] as const;

/** In Markdown. */
export function wholeClipTable({ machine, model, decisions, open, clips }: WholeClips): string {
  const { processor, cores, commit, command, load } = machine;
  const header = ['clip', 'steps', 'computed', ...stageNames, 'total', 'anonymous', 'mapped', 'file'];
  const rows = clips.map((clip, i) => [
    `${i + 1}`,
    `${clip.numSteps}`,
    `${clip.computed} in ${clip.precisions.join(', ')}`,
    ...stageNames.map((name) => seconds(clip.stages[name]?.milliseconds)),
    seconds(clip.milliseconds),
    gigabytes(clip.peak, 'anonymous'),
    gigabytes(clip.peak, 'mapped'),
    `${(clip.file / 1000).toFixed(0)} kB`,
  ]);
  const [{ width, height, frames }] = clips as [WholeClip, ...WholeClip[]];
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const replayed = decisions === undefined ? '' : `, decisions of ${decisions}`;
  return `${lines.join('\n')}

${model}, ${frames} frames of ${width}x${height}${replayed}; opened in ${seconds(open)}. Memory: the largest of all stages.
${processor}, ${cores} cores, load ${load} at the beginning; commit ${commit}; \`${command}\`
`;
}

const seconds = (milliseconds = 0): string => `${(milliseconds / 1000).toFixed(1)} s`;
const gigabytes = (peak: Resident | undefined, kind: keyof Resident): string =>
  peak ? `${(peak[kind] / 2 ** 30).toFixed(2)} GB` : '–';
