/**
 * An engine in a process of its own: started when needed, watched, and replaced when it dies, hangs or has run for long.
 * A native library that crashes, hangs or eats all memory takes this child with it and not the server.
 *
 * One run at a time. A run's silence is what is watched: a beat of the child's event loop would only say that the child lives,
 * not that its work goes on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { QuantCacheError } from '../../errors.ts';
import type { Outcome } from '../queue.ts';
import type { EngineOffer, EngineOptions, FromEngine, RunOrder, ToEngine } from './messages.ts';

/** Times in milliseconds, and numbers of runs. */
export interface EnginePatience {
  /** Until a model must be open. */
  readonly open: number;
  /** The least time without news after which a run counts as hanging; where longer ones were seen, `gaps` times those. */
  readonly silence: number;
  readonly gaps: number;
  /** From a request to stop to the end of who does not; `longAbort` in stages that cannot be interrupted. */
  readonly abort: number;
  readonly longAbort: number;
  /** Runs after which a child is replaced. */
  readonly runs: number;
}

export const defaultPatience: EnginePatience = {
  open: 600_000,
  silence: 120_000,
  gaps: 10,
  abort: 10_000,
  longAbort: 30_000,
  runs: 200,
};

export interface EngineHostOptions {
  readonly engine: EngineOptions;
  /** The program of the child; tests have one of their own. */
  readonly program?: string;
  readonly patience?: Partial<EnginePatience>;
  /** Says what people who watch the server should know. */
  readonly tell?: (message: string) => void;
}

/** What a run says on its way. */
export type RunNews = Extract<FromEngine, { type: 'event' | 'warning' | 'preview' }>;

export interface EngineHost {
  /** Starts the child if need be; what its model offers. Throws what opening the model throws. */
  open(): Promise<EngineOffer>;
  /** Makes a run; always says what it came to. The signal stops it, which returns it. */
  run(order: RunOrder, options: { signal: AbortSignal; onNews: (news: RunNews) => void }): Promise<Outcome>;
  /** Process number of the child that lives, if one does. */
  readonly pid: number | undefined;
  /** Children that ended without being told to. */
  readonly crashes: number;
  close(): Promise<void>;
}

/** Children that are started one after the other before it is given up. */
const mostStarts = 5;

const childProgram = fileURLToPath(new URL('./child.js', import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly offer: Promise<EngineOffer>;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  runs: number;
  listener?: (message: FromEngine) => void;
}

export function createEngineHost(options: EngineHostOptions): EngineHost {
  const patience = { ...defaultPatience, ...options.patience };
  let child: Child | undefined;
  let crashes = 0;
  let longestGap = 0;
  let closed = false;

  function start(): Child {
    // A group of its own: Ctrl-C reaches the server alone, which decides what becomes of runs.
    const process_ = fork(options.program ?? childProgram, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: process.platform !== 'win32',
    });
    const ended = new Promise<string>((resolve) => {
      process_.once('error', (error) => resolve(error.message));
      process_.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
    });
    const started: Child = { process: process_, ended, runs: 0, offer: offerOf(process_, ended, patience.open) };
    started.offer.catch(() => undefined); // whoever needs it hears of it
    process_.on('message', (message: FromEngine) => started.listener?.(message));
    void ended.then((how) => {
      if (child === started) child = undefined;
      if (!closed && started.runs < patience.runs) {
        crashes++;
        options.tell?.(`An engine process ${how}.`);
      }
    });
    send(process_, { type: 'open', options: options.engine });
    return started;
  }

  const open = async (): Promise<Child> => {
    if (closed) throw new QuantCacheError('aborted', 'The engine was closed.');
    child ??= start();
    const current = child;
    await current.offer;
    return current;
  };

  /** A child that ends before its model is open says nothing about model or run: others are tried. */
  async function openAgain(signal?: AbortSignal): Promise<Child> {
    for (let starts = 1; ; starts++) {
      try {
        return await open();
      } catch (error) {
        if (starts === mostStarts || signal?.aborted || closed || error instanceof QuantCacheError) throw error;
      }
    }
  }

  async function run(order: RunOrder, { signal, onNews }: Parameters<EngineHost['run']>[1]): Promise<Outcome> {
    let current: Child;
    try {
      current = await openAgain(signal);
    } catch (error) {
      if (signal.aborted || closed) return { kind: 'returned' };
      if (!(error instanceof QuantCacheError)) return crashed('did not start');
      return { kind: 'failed', error: { code: error.code, message: error.message } };
    }
    if (signal.aborted) return { kind: 'returned' };
    current.runs++;
    const outcome = await attend(current, order, { signal, onNews });
    current.listener = undefined;
    if (current.runs >= patience.runs) await end(current);
    return outcome;
  }

  /** Follows one run to its end, or ends the child that gives none. */
  function attend(current: Child, order: RunOrder, { signal, onNews }: Parameters<EngineHost['run']>[1]) {
    return new Promise<Outcome>((resolve) => {
      let stage = 'text';
      let last = performance.now();
      let verdict: Outcome | undefined;
      const kill = (outcome: Outcome) => {
        verdict ??= outcome;
        current.process.kill('SIGKILL');
      };
      const hangs = () => kill({ kind: 'failed', error: { code: 'timed_out', message: hangMessage(stage) } });
      let silence = setTimeout(hangs, allowedSilence());
      let grace: NodeJS.Timeout | undefined;
      const stop = () => {
        send(current.process, { type: 'abort' });
        const isLong = stage !== 'denoise';
        grace ??= setTimeout(() => kill({ kind: 'returned' }), isLong ? patience.longAbort : patience.abort);
      };
      const finish = (outcome: Outcome) => {
        clearTimeout(silence);
        clearTimeout(grace);
        signal.removeEventListener('abort', stop);
        resolve(outcome);
      };
      current.listener = (message) => {
        const now = performance.now();
        longestGap = Math.max(longestGap, now - last);
        last = now;
        clearTimeout(silence);
        silence = setTimeout(hangs, allowedSilence());
        if (message.type === 'event') stage = message.stage;
        if (message.type === 'done') finish({ kind: 'completed', result: message.result });
        else if (message.type === 'failed')
          finish(message.error.code === 'aborted' ? { kind: 'returned' } : { kind: 'failed', error: message.error });
        else if (message.type !== 'ready' && message.type !== 'unusable') onNews(message);
      };
      void current.ended.then((how) => finish(verdict ?? (signal.aborted ? { kind: 'returned' } : crashed(how))));
      signal.addEventListener('abort', stop);
      send(current.process, { type: 'run', order });
    });
  }

  const allowedSilence = () => Math.max(patience.silence, patience.gaps * longestGap);

  async function end(current: Child): Promise<void> {
    current.runs = patience.runs; // told to end
    if (current.process.connected) current.process.disconnect();
    const timer = setTimeout(() => current.process.kill('SIGKILL'), patience.abort);
    await current.ended;
    clearTimeout(timer);
  }

  return {
    open: async () => (await openAgain()).offer,
    run,
    get pid() {
      return child?.process.pid;
    },
    get crashes() {
      return crashes;
    },
    async close() {
      closed = true;
      if (child) await end(child);
    },
  };
}

/** A child that is gone hears nothing; that it is gone is heard elsewhere. */
function send(child: ChildProcess, message: ToEngine): void {
  if (child.connected) child.send(message, () => undefined);
}

const crashed = (how: string): Outcome => ({
  kind: 'crashed',
  error: {
    code: 'engine_crashed',
    message: `The process that made the clip ${how}. Try a smaller size or fewer frames.`,
  },
});

const hangMessage = (stage: string): string =>
  `The run gave no sign of life in stage ${stage} for longer than any run before, and was ended. Try a smaller size or fewer frames.`;

/** What the child's first message says. */
function offerOf(child: ChildProcess, ended: Promise<string>, patience: number): Promise<EngineOffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.once('message', (message: FromEngine) => {
      clearTimeout(timer);
      if (message.type === 'ready') resolve(message.offer);
      else if (message.type === 'unusable')
        reject(new QuantCacheError(message.error.code as 'io', message.error.message));
    });
    void ended.then((how) => {
      clearTimeout(timer);
      reject(new Error(`The engine's process ${how} before its model was open.`));
    });
  });
}
