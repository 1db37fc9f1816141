/** What a calibration costs, said before it begins in runs, and in time as soon as two steps were computed. */
import type { CalibrationEvent, Price } from '../api/calibration.ts';
import { type Progress, seconds } from './progress.ts';

/** Says it; call what it returns with every event. */
export function tellPrice(
  { fullRuns, clips, steps }: Price,
  progress: Pick<Progress, 'note'>,
  now: () => number = () => performance.now(),
): (event: CalibrationEvent) => void {
  if (steps === 0) {
    progress.note('all runs are recorded already, and nothing is tried out');
    return () => {};
  }
  const tried = clips > 0 ? `, ${clips} accelerated clips are tried` : '; nothing is tried out';
  progress.note(`${fullRuns} full ${fullRuns === 1 ? 'run' : 'runs'}${tried}: at most ${steps} computed steps`);
  let since: number | undefined;
  let told = false;
  const tell = (step: number) => {
    told = true;
    progress.note(`a step takes ${seconds(step)}: all of it at most ${duration(step * steps)}`);
  };
  return (event) => {
    if (told) return;
    if (event.type === 'step') {
      if (since === undefined)
        since = now(); // the first one compiles
      else tell(now() - since);
    }
    if (event.type === 'reference') tell(event.milliseconds / event.numSteps);
  };
}

function duration(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 2) return seconds(milliseconds);
  return minutes < 120 ? `${Math.ceil(minutes)} minutes` : `${(minutes / 60).toFixed(1)} hours`;
}
