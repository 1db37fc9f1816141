/** What a run says of itself on stderr: one moving line on a terminal, a line per stage elsewhere. */
import { QuantCacheError } from '../errors.ts';
import type { GenerateEvent, HubEvent, Stage } from '../index.ts';

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
  /** Clears the moving line. */
  end(): void;
}

/** A progress display; `quiet` shows warnings only. */
export function createProgress(quiet: boolean): Progress {
  const terminal = process.stderr.isTTY === true && !process.env.CI;
  let line = '';
  const clear = () => {
    if (line) process.stderr.write(`\r${' '.repeat(line.length)}\r`);
    line = '';
  };
  const print = (message: string) => {
    clear();
    process.stderr.write(`${message}\n`);
  };
  const move = (message: string) => {
    if (quiet || !terminal) return;
    clear();
    line = message.slice(0, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(line);
  };
  let stepsBegan = 0;
  return {
    note: (message) => quiet || print(message),
    end: clear,
    generating(event) {
      if (event.type === 'warning') print(`warning: ${event.message}`);
      if (event.type === 'stage') {
        if (event.stage === 'denoise') stepsBegan = event.milliseconds;
        if (terminal) move(`${stageNames[event.stage]}...`);
        else if (!quiet) print(`${seconds(event.milliseconds)} ${stageNames[event.stage]}`);
      }
      if (event.type === 'step') {
        const done = event.step + 1;
        const left = ((event.milliseconds - stepsBegan) / done) * (event.numSteps - done);
        move(`denoising: step ${done} of ${event.numSteps}, ${seconds(left)} left`);
      }
      if (event.type === 'frames') move(`decoding frames: ${event.decoded} of ${event.total}`);
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
