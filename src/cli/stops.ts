/** Ending a process that runs until it is told to: the first request is obeyed in order, the second at once. */

const signals = ['SIGINT', 'SIGTERM'] as const;
let requests = 0;
let obey = () => {};

function stop(): void {
  if (requests++ > 0) process.exit(130);
  process.stderr.write('stopping: running jobs go back to the queue; once more to stop at once\n');
  obey();
}

/** Resolves at the first request to stop. */
export function onStop(): Promise<void> {
  for (const signal of signals) process.on(signal, stop);
  return new Promise((resolve) => {
    obey = resolve;
  });
}

/** From now on, requests to stop end the process as they do by default. */
export function clearStops(): void {
  for (const signal of signals) process.removeListener(signal, stop);
}
