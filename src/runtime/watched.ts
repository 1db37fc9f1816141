/** Arithmetic that says when a comparison gives no finite number, so that distrust need not be written into each caller. */
import type { Arithmetic } from './arithmetic.ts';

/** The same arithmetic; `onNotFinite` is called whenever a comparison answers NaN or infinity. */
export function watchComparisons(arithmetic: Arithmetic, onNotFinite: () => void): Arithmetic {
  const watch =
    <Arguments extends unknown[]>(compare: (...tensors: Arguments) => Promise<number>) =>
    async (...tensors: Arguments) => {
      const value = await compare(...tensors);
      if (!Number.isFinite(value)) onNotFinite();
      return value;
    };
  return {
    ...arithmetic,
    relativeL1: watch(arithmetic.relativeL1),
    meanAbsolute: watch(arithmetic.meanAbsolute),
    meanSquare: watch(arithmetic.meanSquare),
    cosine: watch(arithmetic.cosine),
    magnitudeRatio: watch(arithmetic.magnitudeRatio),
    frameDifference: watch(arithmetic.frameDifference),
  };
}
