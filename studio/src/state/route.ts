/** Where the page is: in its address, so that reloading, going back and sending a link work. */
import { computed, signal } from '@preact/signals';
import { hashOf, type Route, routeOf } from './address.ts';

/** Which pane a phone shows; wide screens show all. */
export type Pane = 'make' | 'watch' | 'queue' | 'history';

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed(() => routeOf(hash.value));
export const pane = signal<Pane>(route.peek().at === 'home' ? 'make' : 'watch');

/** Shows something on the stage. */
export function go(to: Route, { quiet = false } = {}): void {
  location.hash = hashOf(to);
  hash.value = location.hash;
  if (quiet) return;
  if (to.at !== 'home') pane.value = 'watch';
  scrollTo({ top: 0, behavior: 'smooth' });
}
