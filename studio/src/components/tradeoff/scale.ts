/** Axes: from values to places, and round values to mark. */

/** From a span of values to a span of places, by their logarithms where `log`. */
export function scale(
  [low, high]: readonly [number, number],
  [start, end]: readonly [number, number],
  log = false,
): (value: number) => number {
  const by = log ? Math.log : (value: number) => value;
  return (value) => start + ((by(value) - by(low)) / (by(high) - by(low))) * (end - start);
}

/** About `count` round values within a span. */
export function ticks(low: number, high: number, count = 4): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
}

/** Round speed-ups within a span, no two nearer than a third of a doubling. */
export function speedTicks(low: number, high: number): number[] {
  const marks = [1, 2, 5, 10, 20, 50, 100, 3, 1.5, 7, 30];
  const taken: number[] = [];
  for (const mark of marks)
    if (mark >= low && mark <= high && taken.every((other) => Math.abs(Math.log2(mark / other)) > 0.55))
      taken.push(mark);
  return taken;
}
