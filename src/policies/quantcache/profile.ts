/**
 * A profile: the options of `quantcache` found by calibration on one model, with what they were found from. Readable,
 * versioned, bound to the model's weights; a profile of another model is refused. It says for what it was fitted. A plan
 * holds for nothing else: its leaps contain the guidance, and their weights suit the size, the length and the steps. Leaps that
 * follow the clip hold elsewhere, too, but what they lose was measured only there.
 */
import * as z from 'zod';
import { parseJson } from '../../files/json.ts';
import { quantcacheOptions } from './index.ts';

/** The schema of what calibration fitted for. */
export const fittedSchema = z.strictObject({
  /** Pixels, as the model is conditioned on them. */
  height: z.int().positive(),
  width: z.int().positive(),
  frames: z.int().positive(),
  fps: z.number().positive(),
  /** 1 or less is no guidance. */
  guidanceScale: z.number(),
  /** Which of the model's samplers takes the steps that are computed. */
  sampler: z.string(),
  /** What the clips are made from: prompts alone, no given frames as with images and loops. */
  conditioning: z.literal('text'),
  /** Numbers of steps that there are plans for. */
  steps: z.array(z.int().positive()).min(1),
});

/** What a profile was fitted for. */
export type Fitted = z.output<typeof fittedSchema>;

/** The same of one run. */
export type Setting = Omit<Fitted, 'steps' | 'conditioning'> & {
  readonly numSteps: number;
  readonly conditioning: string;
};

const profileSchema = z
  .strictObject({
    format: z.literal('quantcache-profile'),
    /** Version 2 did not say what it was fitted for. */
    version: z.literal([2, 3]),
    /** Such as `balanced`. */
    name: z.string().min(1),
    model: z.strictObject({
      /** Where it came from, for people. */
      name: z.string(),
      /** Hash of the transformer's weights. */
      hash: z.string().min(1),
    }),
    /** Of version 2: the first number of steps that it was calibrated with. */
    numSteps: z.int().positive().optional(),
    fitted: fittedSchema.optional(),
    options: quantcacheOptions,
    /** What calibration measured and predicted, by name; for people and reports. */
    measured: z.record(z.string(), z.unknown()).default({}),
  })
  .superRefine(({ version, fitted, options: { hlc } }, context) => {
    const refuse = (message: string, path: string[]) => context.addIssue({ code: 'custom', message, path });
    if (version > 2 && !fitted) refuse('what it was fitted for is missing', ['fitted']);
    if (!fitted || !hlc) return;
    const plans = Object.entries(hlc.plans);
    const unplanned = fitted.steps.filter((count) => !(count in hlc.plans));
    if (plans.length > 0 && unplanned.length > 0)
      refuse(`there is no plan for ${unplanned.join(', ')} steps`, ['fitted', 'steps']);
    const parts = fitted.guidanceScale > 1 ? 2 : 1;
    const unfit = plans.find(([, plan]) => plan.some(({ outputs }) => outputs.some((row) => row.length !== parts)));
    if (unfit)
      refuse(`guidance ${fitted.guidanceScale} takes ${parts} weights per output`, [
        'options',
        'hlc',
        'plans',
        unfit[0],
      ]);
  });

export type Profile = z.output<typeof profileSchema>;
/** A profile as it is written: options that are not there have their defaults. */
export type WrittenProfile = z.input<typeof profileSchema>;

/** What messages say of a profile's file. */
export const profilePurpose = { what: 'a profile of this version', todo: 'Write it with "quantcache calibrate".' };

/** Reads a profile; throws `corrupt_file` with what is wrong. `file` is what messages call it. */
export function parseProfile(text: string, file: string): Profile {
  return parseJson(text, file, profileSchema, profilePurpose);
}

/** In what a run differs from what a profile was fitted for, in words such as `guidance 4, not 8`. */
export function misfits(fitted: Fitted, run: Setting): string[] {
  const size = ({ height, width }: Pick<Setting, 'height' | 'width'>) => `${height}x${width}`;
  return [
    size(fitted) !== size(run) && `size ${size(fitted)}, not ${size(run)}`,
    fitted.frames !== run.frames && `${fitted.frames} frames, not ${run.frames}`,
    fitted.fps !== run.fps && `${fitted.fps} frames per second, not ${run.fps}`,
    !fitted.steps.includes(run.numSteps) && `${fitted.steps.join(' or ')} steps, not ${run.numSteps}`,
    fitted.sampler !== run.sampler && `sampler ${fitted.sampler}, not ${run.sampler}`,
    fitted.guidanceScale !== run.guidanceScale && `guidance ${fitted.guidanceScale}, not ${run.guidanceScale}`,
    fitted.conditioning !== run.conditioning && `clips made from ${fitted.conditioning}, not from ${run.conditioning}`,
  ].filter((difference) => difference !== false);
}
