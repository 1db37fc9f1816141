/** The clips picked for a comparison: the first is A, the second B; a third replaces B. */
import { signal } from '@preact/signals';
import { go } from './route.ts';

export const picks = signal<readonly string[]>([]);

/** Picks a clip or lets go of it; the second opens the comparison. */
export function pick(id: string): void {
  const others = picks.value.filter((other) => other !== id);
  if (others.length < picks.value.length) {
    picks.value = others;
    return;
  }
  picks.value = [...others.slice(0, 1), id];
  const [a, b] = picks.value;
  if (a && b) go({ at: 'compare', a, b });
}

/** Compares two clips. */
export function compare(a: string, b: string): void {
  picks.value = [a, b];
  go({ at: 'compare', a, b });
}
