/**
 * What a run says of itself on stderr. On a terminal: a line per stage, with the time left and what the policy decides while it
 * moves. Elsewhere nothing but warnings and notes, so that pipes and logs hold what matters.
 */
import { type GenerateEvent, type HubEvent, QuantCacheError, type Stage } from '../index.ts';
import { createStepMarks } from './stepmarks.ts';

const stageNames: Record<Stage, string> = {
  text: 'encoding the prompt',
  reference: 'encoding the reference',
  denoise: 'denoising',
  decode: 'decoding frames',
};

export interface Progress {
  generating(event: GenerateEvent): void;
  downloading(event: HubEvent): void;
  note(message: string): void;
  /** Says something that only a person at a terminal needs. */
  tell(message: string): void;
  /** Ends the moving line: of a stage the time that it took stays. */
  end(): void;
}

export interface ProgressOptions {
  /** Whether a finished stage leaves a line; off where many clips are made. */
  readonly keepsStages?: boolean;
}

/** A progress display; `quiet` shows warnings only. */
export function createProgress(quiet: boolean, { keepsStages = false }: ProgressOptions = {}): Progress {
  const terminal = process.stderr.isTTY === true && !process.env.CI;
  const shown = terminal && !quiet;
  let line = '';
  let stage: { readonly name: Stage; readonly began: number } | undefined;
  let marks = createStepMarks(0);
  const clear = () => {
    if (line) process.stderr.write(`\r${' '.repeat(line.length)}\r`);
    line = '';
  };
  const print = (message: string) => {
    clear();
    process.stderr.write(`${message}\n`);
  };
  const move = (message: string) => {
    if (!shown) return;
    clear();
    line = message.slice(0, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(line);
  };
  const finishStage = (now: number) => {
    if (!stage) return clear();
    const decided = stage.name === 'denoise' ? `  ${marks.summary()}` : '';
    if (shown && keepsStages)
      print(`${stageNames[stage.name].padEnd(22)} ${seconds(now - stage.began).padStart(8)}${decided}`);
    clear();
    stage = undefined;
  };
  let lastEvent = 0;
  const left = (now: number, done: number, total: number) =>
    done < total ? `, ${seconds(((now - (stage?.began ?? 0)) / done) * (total - done))} left` : '';
  return {
    note: (message) => quiet || print(message),
    tell: (message) => shown && print(message),
    end: () => finishStage(lastEvent),
    generating(event) {
      const now = event.milliseconds;
      lastEvent = now;
      if (event.type === 'warning') print(`warning: ${event.message}`);
      if (event.type === 'stage') {
        finishStage(now);
        stage = { name: event.stage, began: now };
        marks = createStepMarks(process.stderr.columns ?? 80);
        move(`${stageNames[event.stage]}...`);
      }
      if (event.type === 'step') {
        marks.add(event);
        const { step, numSteps, clip, clips } = event;
        const which = clips > 1 ? `clip ${clip + 1} of ${clips}, ` : '';
        const time = left(now, clip * numSteps + step + 1, clips * numSteps);
        move(`denoising: ${which}step ${step + 1} of ${numSteps}${time}  ${marks.summary()} ${marks.bar()}`);
      }
      if (event.type === 'frames')
        move(`decoding frames: ${event.decoded} of ${event.total}${left(now, event.decoded, event.total)}`);
    },
    downloading(event) {
      if (event.type === 'warning') return print(`warning: ${event.message}`);
      const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
      move(`downloading ${event.file}: ${megabytes(event.received)} of ${megabytes(event.total)} MB`);
    },
  };
}

/** A time for people. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const whole = Math.round(milliseconds / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A signal that Ctrl-C or a termination request fires; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let pressed = false;
  const stop = () => {
    if (pressed) process.exit(130);
    pressed = true;
    process.stderr.write('\nstopping after the current operation; press Ctrl-C again to stop at once\n');
    controller.abort(new QuantCacheError('aborted', 'Interrupted.'));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}
