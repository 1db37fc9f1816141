/**
 * When the state of a run is saved: of runs that take long, and so seldom that saving takes no more than a small share of the
 * time since the run began.
 */

export interface KeeperOptions {
  /** Saves the state. */
  save(): Promise<void>;
  /** Milliseconds after which a run counts as long. Default: a minute. */
  readonly after?: number;
  /** The largest share of the run's time that saving may take. Default: 0.02. */
  readonly share?: number;
  /** Milliseconds that the first saving is expected to take. Default: 0. */
  readonly expected?: number;
  /** Milliseconds of some clock. */
  now?(): number;
}

export interface Keeper {
  /** Call it where the run can be saved; saves if it is time. */
  offer(): Promise<void>;
  /** Milliseconds spent on saving. */
  spent(): number;
}

/** Keeps a run that begins now. */
export function createKeeper({
  save,
  after = 60_000,
  share = 0.02,
  expected = 0,
  now = () => performance.now(),
}: KeeperOptions): Keeper {
  const began = now();
  let spent = 0;
  /** What the next one is expected to take: as long as the longest so far, since memory grows. */
  let longest = expected;
  return {
    async offer() {
      const started = now();
      const elapsed = started - began;
      if (elapsed < after || spent + longest > share * elapsed) return;
      await save();
      const took = now() - started;
      longest = spent === 0 ? took : Math.max(longest, took); // the first one tells more than what was expected
      spent += took;
    },
    spent: () => spent,
  };
}
