/** Where the names of points stand: beside them, where nothing else stands yet. */

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Label {
  readonly anchor: 'start' | 'middle' | 'end';
  readonly dx: number;
  readonly dy: number;
}

const height = 28;
const dot = 9;
/** Right of the point, left, above, below; in this order. */
const sides: readonly Label[] = [
  { anchor: 'start', dx: 12, dy: -2 },
  { anchor: 'end', dx: -12, dy: -2 },
  { anchor: 'middle', dx: 0, dy: -24 },
  { anchor: 'middle', dx: 0, dy: 22 },
  { anchor: 'start', dx: 10, dy: -20 },
  { anchor: 'end', dx: -10, dy: 20 },
];

/** A place for each name; undefined where there is no room, so that the name is shown on pointing only. */
export function placeLabels(
  points: readonly { readonly x: number; readonly y: number; readonly width: number }[],
  area: Box,
): (Label | undefined)[] {
  const taken: Box[] = points.map(({ x, y }) => ({ left: x - dot, top: y - dot, right: x + dot, bottom: y + dot }));
  return points.map(({ x, y, width }) => {
    const label = sides.find((side) => {
      const box = boxOf(x, y, width, side);
      return isInside(box, area) && taken.every((other) => !overlap(box, other));
    });
    if (label) taken.push(boxOf(x, y, width, label));
    return label;
  });
}

function boxOf(x: number, y: number, width: number, { anchor, dx, dy }: Label): Box {
  const left = x + dx - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0);
  return { left, top: y + dy - 12, right: left + width, bottom: y + dy - 12 + height };
}

const isInside = (box: Box, area: Box): boolean =>
  box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
