/** `quantcache calibrate --preview`: fits the map that previews are drawn by. */
import { fitPreview, type PreviewFitOptions, previewFile, savePreviewMap } from '../api/calibration.ts';
import { median } from '../api/metrics.ts';
import { assertOutputs } from '../files/outputs.ts';
import { finish, type Pipeline, QuantCacheError, type Runtime } from '../index.ts';
import type { Progress } from './progress.ts';

export interface PreviewRequest {
  readonly options: PreviewFitOptions;
  readonly runtime: Runtime;
  readonly pipeline: Pipeline;
  readonly out?: string;
  readonly progress: Progress;
}

/** Fits the map, writes it into the model's folder or to `out`, and returns the file with what was measured. */
export async function calibratePreview({ options, runtime, pipeline, out, progress }: PreviewRequest) {
  const file = out ?? previewFile(pipeline.folder);
  await assertOutputs([{ path: file, option: '--out', makesFolder: true }]);
  const { prompts } = options;
  if (prompts.length < 2)
    throw new QuantCacheError(
      'invalid_option',
      'A map for previews is measured on clips that it was not fitted to, so it takes two prompts or more: give --prompts 2 or more.',
    );
  const { map, unseen } = await finish(fitPreview(pipeline, runtime, options), ({ done, clips, prompt, psnr }) =>
    progress.note(`${done} of ${clips}: ${prompt}${psnr === undefined ? '' : `, ${psnr.toFixed(1)} dB`}`),
  );
  const measured = {
    fitted: prompts.length - unseen.length,
    unseen: unseen.length,
    psnr: rounded(median(unseen)),
    worstPsnr: rounded(Math.min(...unseen)),
  };
  await savePreviewMap(file, { ...map, measured });
  return { file, measured };
}

const rounded = (decibels: number): number => Number(decibels.toFixed(2));
