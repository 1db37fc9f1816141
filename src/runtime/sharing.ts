/**
 * Tensors with more than one owner. A tensor begins with one owner, who asked for it; `retain` adds one, `release` takes
 * one away, and the last to release it disposes of it. Whoever shares a tensor releases it instead of disposing.
 */
import type { Tensor } from './runtime.ts';

/** How many owners a tensor has beyond its first. */
const furtherOwners = new WeakMap<Tensor, number>();

/** Keeps a borrowed tensor beyond the call it was lent for. Release it once for every time it was retained. */
export function retain(tensor: Tensor): Tensor {
  furtherOwners.set(tensor, (furtherOwners.get(tensor) ?? 0) + 1);
  return tensor;
}

/** Gives up one ownership. */
export function release(tensor: Tensor): void {
  const further = furtherOwners.get(tensor) ?? 0;
  if (further === 0) tensor.dispose();
  else furtherOwners.set(tensor, further - 1);
}
