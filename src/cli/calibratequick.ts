/** `quantcache calibrate --quick`: profiles from recorded runs alone. */
import {
  type CalibrationEvent,
  calibrateQuickly,
  type Measurements,
  type MeasuringOptions,
  quickPriceOf,
  quickProfile,
  saveProfile,
  type WrittenProfile,
} from '../api/calibration.ts';
import { finish, type Pipeline, type Precision, QuantCacheError, type Runtime } from '../index.ts';
import type { NamedTarget } from './calibratetargets.ts';
import { tellPrice } from './price.ts';
import type { Progress } from './progress.ts';

/** Runs that are recorded where nobody says how many. */
export const quickRuns = 2;

interface Quick {
  readonly pipeline: Pipeline;
  readonly runtime: Runtime;
  readonly request: MeasuringOptions;
  readonly earlier: Measurements;
  readonly targets: readonly NamedTarget[];
  readonly precisions?: readonly Precision[];
  readonly model: WrittenProfile['model'];
  readonly fitted: Omit<NonNullable<WrittenProfile['fitted']>, 'steps'>;
  readonly progress: Progress;
  /** Keeps what is measured. */
  readonly follow: (event: CalibrationEvent) => Promise<void>;
}

/** Writes a profile for every target; the files and what they hold. */
export async function writeQuickProfiles(quick: Quick) {
  const { pipeline, runtime, request, earlier, targets, model, fitted, progress, follow } = quick;
  const [precision = 'fp32', ...others] = quick.precisions ?? [];
  if (others.length > 0)
    throw new QuantCacheError(
      'invalid_option',
      `--quick tries nothing out, so it cannot choose among ${quick.precisions!.join(',')}; give one of them.`,
    );
  const watch = tellPrice(quickPriceOf(request, earlier), progress);
  const calibration = await finish(calibrateQuickly(pipeline, runtime, request, earlier), async (event) => {
    watch(event);
    await follow(event);
  });
  const [numSteps] = request.numSteps as [number];
  const profiles: WrittenProfile[] = [];
  for (const { name, target, file } of targets) {
    if (!('quality' in target)) continue;
    const { quality } = target;
    const profile = quickProfile(calibration, {
      ...{ name, model, quality, numSteps, precision },
      fitted: { ...fitted, steps: [numSteps] },
    });
    await saveProfile(file, profile);
    profiles.push(profile);
  }
  return profiles;
}
