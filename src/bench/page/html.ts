/** HTML as template literals: what is put in is escaped, unless it is markup already. */

/** Text that is safe to be part of a page. */
export interface Markup {
  readonly markup: string;
}

type Value = Markup | string | number | undefined | readonly Value[];

/** Markup from a template: html`<p>${anything}</p>`. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { markup: strings.reduce((text, part, i) => `${text}${textOf(values[i - 1])}${part}`) };
}

/** Markup that was made elsewhere and is trusted. */
export const trusted = (markup: string): Markup => ({ markup });

/** Text that may break at what joins its parts, as in the label of a row, and not only at spaces. */
export const breakable = (text: string): Markup => ({
  markup: text
    .split(/(?<=[,:])/)
    .map(escaped)
    .join('<wbr>'),
});

/** Makes text harmless between tags and in quoted attributes. */
export const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  if ('markup' in value) return value.markup;
  return value.map(textOf).join('');
}
