/** One thing at a time: WebGPU sessions hang or fail when two of them run at once. */

/** Runs a task after all tasks given before it, whether those succeeded or not. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>;

/** A queue that runs tasks one after the other, in the order they were given. */
export function serialQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
