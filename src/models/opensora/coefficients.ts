/**
 * What the authors of caching methods fitted to Open-Sora 1.2, for the published checkpoint alone: other weights need numbers
 * of their own (`quantcache calibrate --policy`). References: the Open-Sora scripts of TeaCache and MagCache.
 */

/** Ratios between consecutive residuals in 30 steps, squared. */
const squaredRatios = [
  0.93359, 0.96484, 0.99609, 1, 0.99609, 0.99609, 0.99219, 1, 1, 0.99609, 0.99219, 1, 0.99219, 0.99609, 0.99219,
  0.99609, 0.99609, 0.99609, 0.99219, 0.99219, 0.99219, 0.98828, 0.98828, 0.98438, 0.98438, 0.97656, 0.97656, 0.96484,
  0.96484,
];

/** Options of policies, by the policy's name. */
export const publishedCoefficients: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  teacache: { coefficients: [217.546007, -118.329252, 26.8662585, -0.0459364272, 0.048442624] },
  magcache: { ratios: squaredRatios.map(Math.sqrt) },
};
