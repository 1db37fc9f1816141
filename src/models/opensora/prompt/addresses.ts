/**
 * Removal of web addresses and file names from prompts.
 *
 * The original does this with three regular expressions that take time quadratic in the length of a word: they try a long
 * word from each of its characters. The functions here find the same matches in linear time.
 * Reference: opensora/models/text_encoder/t5.py, `clean_caption`, the patterns quoted below.
 */

import { pythonPattern } from './python-pattern.ts';

/** A match in a text, from `start` up to `end`. */
interface Span {
  start: number;
  end: number;
}

const hostCharacter = /[a-zA-Z0-9.-]/;
/** A top-level domain and the path after it; never runs into the next dot, so matches do not overlap. */
const topLevel = pythonPattern(String.raw`\.(?:com|co|ru|net|org|edu|gov|it)[\w/\-]*\b/?(?!@)`);
const boundary = pythonPattern(String.raw`\b`);
const schemes = {
  'https?': pythonPattern(String.raw`\bhttps?:(?:/{1,3}|[a-zA-Z0-9%])`),
  www: pythonPattern(String.raw`\bwww:(?:/{1,3}|[a-zA-Z0-9%])`),
};

/**
 * Removes what matches
 * `\b((?:SCHEME:(?:\/{1,3}|[a-zA-Z0-9%])|[a-zA-Z0-9.\-]+[.](?:com|co|ru|net|org|edu|gov|it)[\w/-]*\b\/?(?!@)))`.
 */
export function removeAddresses(text: string, scheme: keyof typeof schemes): string {
  const nextHost = hostFinder(text);
  let output = '';
  let position = 0;
  let prefix = nextPrefix(schemes[scheme], text, 0);
  let host = nextHost(0);
  for (;;) {
    const isPrefixFirst = prefix !== undefined && (host === undefined || prefix.start <= host.start);
    const removed = isPrefixFirst ? prefix : host;
    if (removed === undefined) return output + text.slice(position);
    output += text.slice(position, removed.start);
    position = removed.end;
    if (prefix !== undefined && prefix.start < position) prefix = nextPrefix(schemes[scheme], text, position);
    if (host !== undefined && host.start < position) host = nextHost(position);
  }
}

function nextPrefix(pattern: RegExp, text: string, from: number): Span | undefined {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match === null ? undefined : { start: match.index, end: match.index + match[0].length };
}

/**
 * A function that finds the next host name with path at or after a position, for positions in ascending order. In a run of
 * host characters that is from the first word boundary to the last top-level domain, its path included.
 */
function hostFinder(text: string): (from: number) => Span | undefined {
  const domains = [...text.matchAll(topLevel)].map(({ index, 0: match }) => ({
    start: index,
    end: index + match.length,
  }));
  let next = 0;

  function lastOfRun(index: number): { last: Span; following: number } {
    const runEnd = endOfRun(text, domains[index]!.start, text.length, 1);
    let following = index + 1;
    while (following < domains.length && domains[following]!.start < runEnd) following++;
    return { last: domains[following - 1]!, following };
  }

  return (from) => {
    while (next < domains.length) {
      const first = domains[next]!;
      if (first.start > from) {
        const { last, following } = lastOfRun(next);
        boundary.lastIndex = endOfRun(text, first.start, from, -1);
        const start = boundary.exec(text)?.index ?? text.length;
        if (start < last.start) return { start, end: last.end };
        next = following;
      } else next++;
    }
    return undefined;
  };
}

/** Where a run of host characters around a position ends, looking forward (1) or backward (-1), no further than `limit`. */
function endOfRun(text: string, position: number, limit: number, direction: 1 | -1): number {
  let end = position;
  if (direction === 1) while (end < limit && hostCharacter.test(text[end]!)) end++;
  else while (end > limit && hostCharacter.test(text[end - 1]!)) end--;
  return end;
}

const words = pythonPattern(String.raw`\S+`);
const extensions = ['.png', '.jpg', '.jpeg', '.bmp', '.webp', '.eps', '.pdf', '.apk', '.mp4'];

/** Removes what matches `[\S]+\.(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)`: a word up to the end of its last extension. */
export function removeFileNames(text: string): string {
  return text.replace(words, (word) => {
    const ends = extensions.map((extension) => {
      const start = word.lastIndexOf(extension);
      return start < 1 ? 0 : start + extension.length;
    });
    return word.slice(Math.max(...ends));
  });
}
