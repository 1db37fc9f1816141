/**
 * How much of the room that motions leave is used by where objects begin. A whole motion takes a rectangle; where that lies
 * between the edges of the frame is what chance decides.
 */

/** Where the rectangle of a motion lies, from 0 at the left or top edge to 1 at the right or bottom one. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Coverage {
  /** The share of equal cells of the room in which some object begins. */
  readonly share: number;
  /** Cells along each side: as many as leave eight places to a cell, at most six. */
  readonly cells: number;
  readonly places: number;
}

const placesPerCell = 8;
const mostCells = 6;

/** The coverage of at least one place. Evenly scattered places cover all cells but one in 3,000. */
export function coverageOf(places: readonly Place[]): Coverage {
  const cells = Math.max(1, Math.min(mostCells, Math.floor(Math.sqrt(places.length / placesPerCell))));
  const cell = (position: number) => Math.min(cells - 1, Math.floor(position * cells));
  const taken = new Set(places.map(({ x, y }) => cell(y) * cells + cell(x)));
  return { share: taken.size / cells ** 2, cells, places: places.length };
}
