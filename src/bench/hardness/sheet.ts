/** A contact sheet to judge hardness by eye: of each prompt full computation, another seed, and what fewer steps make of it. */
import type { Frames, Pipeline, Runtime } from '../../index.ts';
import { sheetOf } from '../clipsheet.ts';
import { fullRow } from '../rows.ts';
import { renderClip, type Workshop } from './clips.ts';

/** Steps of the lines below full computation and another seed. */
const fewer = [8, 5, 4] as const;

/** What the lines of a prompt are, from above. */
export const sheetRows: readonly string[] = ['full', 'another seed', ...fewer.map((steps) => `full#${steps}`)];

export interface HardnessSheetOptions extends Pick<Workshop, 'numSteps' | 'guidanceScale' | 'signal' | 'onEvent'> {
  readonly prompts: readonly string[];
  readonly seed: number;
}

/** Makes the clips anew and puts them below each other, frames evenly spaced. */
export async function hardnessSheet(
  pipeline: Pipeline,
  runtime: Runtime,
  { prompts, seed, ...options }: HardnessSheetOptions,
): Promise<Frames> {
  const shop = { ...options, pipeline, runtime };
  const row = (steps: number) => fullRow(steps, options.numSteps);
  const clips: Frames[] = [];
  for (const prompt of prompts) {
    clips.push(await renderClip(shop, row(options.numSteps), { prompt, seed }));
    clips.push(await renderClip(shop, row(options.numSteps), { prompt, seed: seed + 1 }));
    for (const steps of fewer) clips.push(await renderClip(shop, row(steps), { prompt, seed }));
  }
  return sheetOf(clips);
}
