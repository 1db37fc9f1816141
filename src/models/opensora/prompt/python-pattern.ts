/**
 * Python's regular expressions in JavaScript: `\w`, `\d`, `\s` and `\b` mean Unicode letters, digits and spaces there.
 *
 * Invariants: source is what Python and JavaScript otherwise share; the result has the flags `g` and `u`. One escape is
 * ours: `\<` is `\b` before a word, which is all that `\b` can mean where a letter or digit follows, and fails sooner.
 * Reference: docs.python.org/3/library/re.html, for `str` patterns without flags.
 */

const word = String.raw`\p{L}\p{N}_`;
const space = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

const outsideClass: Readonly<Record<string, string>> = {
  w: `[${word}]`,
  s: `[${space}]`,
  S: `[^${space}]`,
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  b: `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
  '<': `(?=[${word}])(?<![${word}])`,
};
const insideClass: Readonly<Record<string, string>> = {
  w: word,
  s: space,
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
};

/** The pattern with Python's meaning. */
export function pythonPattern(source: string): RegExp {
  let isInClass = false;
  const translated = source.replace(/\\(.)|[[\]]/gu, (token, escaped: string | undefined) => {
    if (escaped === undefined) isInClass = token === '[';
    else return (isInClass ? insideClass : outsideClass)[escaped] ?? token;
    return token;
  });
  return new RegExp(translated, 'gu');
}

const leadingSpace = new RegExp(`^[${space}]+`, 'u');
const trailingSpace = new RegExp(`(?<![${space}])[${space}]+$`, 'u');

/** Python's `str.strip()`, whose spaces differ a little from those of `trim()`. */
export function strip(text: string): string {
  return text.replace(leadingSpace, '').replace(trailingSpace, '');
}
