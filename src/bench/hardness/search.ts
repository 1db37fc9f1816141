/**
 * Paths of leaps over a lattice of steps, the cheapest first. A path's price is its number of evaluations, one per leap; an
 * evaluation at the end of a path gives all paths that go on from there, so each is evaluated once.
 *
 * The search is a beam search, layer by layer, a layer being all paths of so many evaluations. Of the paths that end at the
 * same step the best few go on, and only those that are better than what fewer evaluations reached there. It starts with
 * small leaps among the choices, so that with leaps of 1 it ends, at the latest, with the path that computes every step.
 */

/** Some leaps from step 0, and what they lead to. */
export interface Path<State> {
  /** Steps of each leap. */
  readonly leaps: readonly number[];
  /** The step that it leads to. */
  readonly at: number;
  readonly state: State;
  /** How far the state is from where full computation is at that step. */
  readonly error: number;
}

export interface Search<State> {
  readonly numSteps: number;
  /** Lengths to choose from, rising. */
  readonly leaps: readonly number[];
  /** Paths that go on per step. */
  readonly beam: number;
  /** The states after leaps of some lengths from the end of a path, by one evaluation. */
  expand(path: Path<State>, lengths: readonly number[]): Promise<readonly State[]>;
  error(state: State, at: number): number;
}

/** All that is left of the paths of so many evaluations. */
export interface Layer<State> {
  readonly evaluations: number;
  /** The paths that go on. */
  readonly paths: readonly Path<State>[];
  /** The paths that have reached the last step, the best first. */
  readonly finished: readonly Path<State>[];
  /** Per step, the least errors of all paths that have gone on there, rising, as many as the beam is wide. */
  readonly least: readonly (readonly number[])[];
}

/** The path that has no leap yet. */
export const firstLayer = <State>(start: State): Layer<State> => ({
  evaluations: 0,
  paths: [{ leaps: [], at: 0, state: start, error: 0 }],
  finished: [],
  least: [],
});

/** The paths of one evaluation more. */
export async function nextLayer<State>(search: Search<State>, layer: Layer<State>): Promise<Layer<State>> {
  const { numSteps, beam } = search;
  const byStep = Array.from({ length: numSteps + 1 }, (): Path<State>[] => []);
  for (const path of layer.paths) {
    const lengths = search.leaps.filter((length) => path.at + length <= numSteps);
    const states = await search.expand(path, lengths);
    for (const [i, state] of states.entries()) {
      const at = path.at + lengths[i]!;
      byStep[at]!.push({ leaps: [...path.leaps, lengths[i]!], at, state, error: search.error(state, at) });
    }
  }
  for (const paths of byStep) paths.sort((a, b) => a.error - b.error);
  const finished = byStep[numSteps]!;
  const kept = byStep
    .slice(0, numSteps)
    .map((paths, at) =>
      paths.slice(0, beam).filter(({ error }) => error < (layer.least[at]?.[beam - 1] ?? Number.POSITIVE_INFINITY)),
    );
  const least = kept.map((paths, at) =>
    [...(layer.least[at] ?? []), ...paths.map(({ error }) => error)].sort((a, b) => a - b).slice(0, beam),
  );
  return { evaluations: layer.evaluations + 1, paths: kept.flat(), finished, least };
}
