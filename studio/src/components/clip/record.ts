/** The settings in a clip's own file, as a request that makes it again. Read in the browser: nothing is uploaded. */

import type { ClipRecord } from '../../../../src/run/record.ts';
import type { CreateVideo } from '../../../../src/serve/api.ts';

type Run = ClipRecord['run'];

/** Reads the settings in a file. Rejects with a message for people where there are none. */
export async function requestInFile(file: Blob & { readonly name?: string }): Promise<CreateVideo> {
  const name = file.name ?? 'The file';
  const { commentOf } = await import('./decode.ts');
  const comment = await commentOf(file).catch(() => undefined);
  const record = comment === undefined ? undefined : parse(comment);
  if (!record) throw new Error(`${name} does not say how it was made. Drop an mp4 or webm that QuantCache wrote.`);
  return requestOfRecord(record);
}

function parse(comment: string): ClipRecord | undefined {
  try {
    const value = JSON.parse(comment) as Partial<ClipRecord>;
    return value.format === 'quantcache-clip' && value.run ? (value as ClipRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** What makes the clip of a record again. The record says HEIGHTxWIDTH, the API WIDTHxHEIGHT. */
export function requestOfRecord({ prompt, run, profile, model }: ClipRecord): CreateVideo {
  return {
    prompt,
    model: model.name,
    ...(run.size && { size: run.size.split('x').reverse().join('x') }),
    ...(run.frames && { num_frames: run.frames }),
    ...(run.fps && { fps: run.fps }),
    ...(run.numSteps && { num_inference_steps: run.numSteps }),
    ...(run.guidanceScale !== undefined && { guidance_scale: run.guidanceScale }),
    ...(run.seed !== undefined && { seed: run.seed }),
    ...(run.negativePrompt && { negative_prompt: run.negativePrompt }),
    quantcache: {
      ...(profile ? { profile } : policyOf(run)),
      ...(run.sampler && { sampler: run.sampler }),
      ...(run.loops && run.loops > 1 && { loops: run.loops }),
    },
  };
}

const policyOf = ({ policy, policyOptions, precision }: Run): CreateVideo['quantcache'] => ({
  ...(policy && { policy }),
  ...(policyOptions && { policy_options: policyOptions }),
  ...(precision && { precision }),
});
