/** What the part of an address after `#` says. */

/** What the stage shows. */
export type Route =
  | { readonly at: 'home' }
  | { readonly at: 'clip'; readonly id: string }
  | { readonly at: 'compare'; readonly a: string; readonly b: string };

const id = /^video_[0-9a-f]{32}$/;

/** Reads the part of an address after `#`. */
export function routeOf(hash: string): Route {
  const [at, a = '', b = ''] = hash.replace(/^#\/?/, '').split('/');
  if (at === 'clip' && id.test(a)) return { at, id: a };
  if (at === 'compare' && id.test(a) && id.test(b)) return { at, a, b };
  return { at: 'home' };
}

export function hashOf(route: Route): string {
  if (route.at === 'clip') return `#/clip/${route.id}`;
  return route.at === 'compare' ? `#/compare/${route.a}/${route.b}` : '#/';
}
