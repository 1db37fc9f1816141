/** How long each stage of a run takes; a stage that comes again adds to its time. */

export interface StageClock<Stage extends string> {
  /** Milliseconds since the clock was made. */
  now(): number;
  /** Ends the stage before and begins this one; returns the time. */
  enter(stage: Stage): number;
  /** Ends the last stage; returns milliseconds per stage. */
  finish(): Partial<Record<Stage, number>>;
}

export function stageClock<Stage extends string>(): StageClock<Stage> {
  const began = performance.now();
  const times: Partial<Record<Stage, number>> = {};
  let current: { stage: Stage; since: number } | undefined;
  const now = () => performance.now() - began;
  const leave = () => {
    if (current) times[current.stage] = (times[current.stage] ?? 0) + now() - current.since;
    current = undefined;
  };
  return {
    now,
    enter(stage) {
      leave();
      current = { stage, since: now() };
      return current.since;
    },
    finish() {
      leave();
      return times;
    },
  };
}
