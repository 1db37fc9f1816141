/** Line icons of 20 by 20, drawn for this page. */
const paths = {
  play: 'M6.5 4.2v11.6L15.5 10z',
  pause: 'M6.5 4.5v11M13.5 4.5v11',
  back: 'M12.5 5 7.5 10l5 5',
  forward: 'M7.5 5l5 5-5 5',
  close: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  dice: 'M4.5 6.5a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2zM7.6 7.6h.01M12.4 7.6h.01M10 10h.01M7.6 12.4h.01M12.4 12.4h.01',
  locked: 'M5.5 9h9v6.5h-9zM7.2 9V6.8a2.8 2.8 0 0 1 5.6 0V9',
  open: 'M5.5 9h9v6.5h-9zM7.2 9V6.8a2.8 2.8 0 0 1 5.4-1',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l3.5 3.5',
  download: 'M10 3.5v9M6.5 9.2 10 12.7l3.5-3.5M4 16h12',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5',
  reuse: 'M4 10a6 6 0 0 1 10.5-4L16 7.5M16 4v3.5h-3.5M16 10a6 6 0 0 1-10.5 4L4 12.5M4 16v-3.5h3.5',
  four: 'M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z',
  compare: 'M3.5 5h5.5v10H3.5zM11 5h5.5v10H11z',
  full: 'M4 15.5v-11M8 15.5v-11M12 15.5v-11M16 15.5v-11',
  image: 'M3.5 4.5h13v11h-13zM3.5 13l3.7-3.7 3 3 2.3-2.3 4 4M12.5 7.5h.01',
  help: 'M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1.9-1.1 1.8M10 14.5h.01',
  sun: 'M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM10 2.5V4M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1',
  moon: 'M15.8 11.8A6.5 6.5 0 0 1 8.2 4.2a6.2 6.2 0 1 0 7.6 7.6z',
  system: 'M3.5 4.5h13v8.5h-13zM7.5 16h5M10 13v3',
  plus: 'M10 4.5v11M4.5 10h11',
  again: 'M5 10a5 5 0 1 0 1.6-3.7M5 4v3h3',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`glyph glyph-${name}`} viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
