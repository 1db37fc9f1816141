/**
 * What text remains of HTML, as BeautifulSoup with Python's `html.parser` sees it, and Python's `html.unescape`.
 *
 * Covered: start tags, end tags, comments, declarations, processing instructions, CDATA sections, numeric and named
 * character references, the contents of <script> and <style> (dropped), and the parser's ways with malformed input:
 * markup that does not end stays text, and a broken reference stops all parsing of what follows it.
 * Not covered: marked sections other than CDATA are dropped (Python refuses unknown ones); the contents of <template>,
 * <rt> and <rp>, which BeautifulSoup hides, stay; names with capital letters are not decoded (prompts are lower-cased).
 *
 * Invariant: time is linear in the length of the text, whatever it is. What ends nowhere is not searched for twice, and
 * once unfinished tags have cost 20 times the length, further `<` are text.
 * Reference: Python 3.11 Lib/html/parser.py, Lib/html/__init__.py; beautifulsoup4 4.15, builder/_htmlparser.py.
 */

import { entities, legacyEntities } from './entities.ts';
import { pythonPattern } from './python-pattern.ts';

/** The document and what is known of it. */
interface Source {
  html: string;
  /** Where the last `>`, end of a comment and end of a CDATA section begin; -1 for none. */
  lastTagEnd: number;
  lastCommentEnd: number;
  lastSectionEnd: number;
  /** Characters that start tags may still cost. */
  budget: number;
}

/** What markup at a position yields and where to go on; `stop` ends the parser's current pass. */
interface Step {
  text: string;
  next: number;
  stop?: boolean;
}

const commentEnd = pythonPattern(String.raw`--\s*>`);
const startTagName = /<([a-zA-Z][^\t\n\r\f />\0]*)/y;
/** Name and attributes with optional values: all that Python accepts before it looks for `>` or `/>`. */
const startTag = sticky(
  String.raw`<[a-zA-Z][^\t\n\r\f />\x00]*(?:[\s/]*(?:(?<=['"\s/])[^\s/>][^\s/=>]*(?:\s*=+\s*(?:'[^']*'|"[^"]*"|(?!['"])[^>\s]*)\s*)?(?:\s|/(?!>))*)*)?\s*`,
);
const rawTextEnd = { script: /<\/\s*script\s*>/gi, style: /<\/\s*style\s*>/gi };
const namedReference = /&([a-zA-Z][-.a-zA-Z0-9]*)(?=[^a-zA-Z0-9])/y;
const numericReference = /&#([0-9]+|[xX][0-9a-fA-F]+)(?=[^0-9a-fA-F])/y;
/** Windows-1252 from byte 128 to 159. `TextDecoder` would know them, but Node 20's takes them for Latin-1. */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The text of a document without its markup. */
export function htmlText(html: string): string {
  const source: Source = {
    html,
    lastTagEnd: html.lastIndexOf('>'),
    lastCommentEnd: lastMatch(commentEnd, html),
    lastSectionEnd: html.lastIndexOf(']]>'),
    budget: 20 * html.length,
  };
  let output = '';
  let position = 0;
  // Python parses once expecting more input, which stops at anything unfinished, and once more knowing that it ended.
  for (const isEnd of [false, true]) {
    while (position < html.length) {
      const next = indexOfPattern(/[<&]/g, html, position);
      output += html.slice(position, next);
      position = next;
      if (position === html.length) break;
      const step = html[position] === '&' ? referenceAt(html, position, isEnd) : markupAt(source, position, isEnd);
      output += step.text;
      position = step.next;
      if (step.stop) break;
    }
  }
  return output + html.slice(position);
}

/** Markup at a `<`: a tag, a comment, a declaration, or text. */
function markupAt(source: Source, start: number, isEnd: boolean): Step {
  const { html } = source;
  const next = html[start + 1];
  if (next === undefined) return { text: '', next: start, stop: true };
  const isTag = /[a-zA-Z]/.test(next);
  if (!isTag && next !== '/' && next !== '!' && next !== '?') return { text: '<', next: start + 1 };
  const step = isTag ? startTagAt(source, start) : otherMarkupAt(source, start);
  if (step !== undefined) return step;
  if (!isEnd) return { text: '', next: start, stop: true };
  const end = unfinishedEnd(source, start);
  return { text: html.slice(start, end), next: end };
}

/** How far markup without an end stays text: to the next `>`, else to the next `<`. */
function unfinishedEnd({ html, lastTagEnd }: Source, start: number): number {
  if (start < lastTagEnd) return html.indexOf('>', start + 1) + 1;
  const next = html.indexOf('<', start + 1);
  return next < 0 ? start + 1 : next;
}

function startTagAt(source: Source, start: number): Step | undefined {
  const { html } = source;
  if (start > source.lastTagEnd || source.budget < 0) return undefined;
  const end = start + matchAt(startTag, html, start)![0].length;
  source.budget -= end - start;
  const stoppedBy = html[end];
  if (stoppedBy === '>') return afterStartTag(html, start, end + 1);
  if (html.startsWith('/>', end)) return { text: '', next: end + 2 };
  if (stoppedBy === undefined || /[a-zA-Z=/]/.test(stoppedBy)) return undefined;
  return { text: html.slice(start, end), next: end };
}

/** Goes on after a start tag, and after the end tag of <script> and <style>. */
function afterStartTag(html: string, start: number, end: number): Step {
  const name = matchAt(startTagName, html, start)![1]!.toLowerCase();
  if ((name !== 'script' && name !== 'style') || html[end - 2] === '/') return { text: '', next: end };
  const close = matchAt(rawTextEnd[name], html, end);
  return { text: '', next: close === null ? html.length : close.index + close[0].length };
}

function otherMarkupAt({ html, lastTagEnd, lastCommentEnd, lastSectionEnd }: Source, start: number): Step | undefined {
  if (html.startsWith('<!--', start)) {
    if (start + 4 > lastCommentEnd) return undefined;
    const close = matchAt(commentEnd, html, start + 4)!;
    return { text: '', next: close.index + close[0].length };
  }
  if (html.slice(start, start + 9).toLowerCase() === '<![cdata[') {
    if (start + 9 > lastSectionEnd) return undefined;
    const end = html.indexOf(']]>', start + 9);
    return { text: html.slice(start + 9, end), next: end + 3 };
  }
  if (start + 2 > lastTagEnd) return undefined;
  return { text: '', next: html.indexOf('>', start + 2) + 1 };
}

/** A character reference at a `&`, or what Python makes of something else. */
function referenceAt(html: string, start: number, isEnd: boolean): Step {
  const isNumeric = html[start + 1] === '#';
  const match = matchAt(isNumeric ? numericReference : namedReference, html, start);
  if (match !== null) {
    const end = start + match[0].length;
    const text = isNumeric ? htmlCharacter(match[1]!) : (entities.get(match[1]!) ?? match[0]);
    return { text, next: html[end] === ';' ? end + 1 : end };
  }
  if (isNumeric) {
    const goesOn = html.includes(';', start);
    return { text: goesOn ? '&#' : '', next: goesOn ? start + 2 : start, stop: true };
  }
  if (/[a-zA-Z]/.test(html[start + 1] ?? '')) {
    const dropsAmpersand = isEnd && start + 2 === html.length;
    return { text: '', next: dropsAmpersand ? start + 1 : start, stop: true };
  }
  return start + 1 < html.length ? { text: '&', next: start + 1 } : { text: '', next: start, stop: true };
}

/** The character of a reference such as `8364` or `x20ac`; 128 to 159 mean Windows-1252, what is no character is U+FFFD. */
function htmlCharacter(digits: string): string {
  const isHexadecimal = digits[0] === 'x' || digits[0] === 'X';
  const code = isHexadecimal ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return code >= 0x80 && code <= 0x9f ? fromWindows1252(code) : String.fromCodePoint(code);
}

/** The character that a byte from 128 to 159 stands for in Windows-1252. */
export function fromWindows1252(code: number): string {
  return windows1252[code - 0x80]!;
}

/** Python's `html.unescape`: references with a semicolon, and the old ones without, also as the start of a longer word. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g, (whole, body: string) => {
    if (body[0] === '#') return unescapedCharacter(body);
    const exact = body.endsWith(';') ? entities.get(body.slice(0, -1)) : undefined;
    if (exact !== undefined) return exact;
    for (let length = body.length; length > 1; length--) {
      const name = body.slice(0, length);
      if (legacyEntities.has(name)) return entities.get(name)! + body.slice(length);
    }
    return whole;
  });
}

function unescapedCharacter(body: string): string {
  const character = htmlCharacter(body.slice(1).replace(';', ''));
  const code = character.codePointAt(0)!;
  const isControl = code < 9 || code === 0xb || (code > 0xd && code < 0x20) || (code > 0x7e && code < 0xa0);
  const isNoCharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return isControl || isNoCharacter ? '' : character;
}

function sticky(source: string): RegExp {
  return new RegExp(pythonPattern(source).source, 'yu');
}

/** The match at (sticky patterns) or after (global ones) a position. */
function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function indexOfPattern(pattern: RegExp, text: string, position: number): number {
  return matchAt(pattern, text, position)?.index ?? text.length;
}

function lastMatch(pattern: RegExp, text: string): number {
  let last = -1;
  pattern.lastIndex = 0; // matchAll begins there
  for (const match of text.matchAll(pattern)) last = match.index;
  return last;
}
