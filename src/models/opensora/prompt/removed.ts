/**
 * What cleaning took out of a prompt, to tell its author: the words of the prompt that the cleaned text does not have, found as
 * a longest common subsequence. Punctuation, case and spelling of characters do not count.
 */

/** Han characters are written without spaces and removed one by one, so runs of them are words of their own. */
const word = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}\p{M}])+/gu;
/** Signs that belong to what stands beside them: addresses, tags, mentions. */
const before = /[<@#/:.&]*$/;
const after = /^[>/;]*/;

/** Words that are looked at; a model reads far fewer. */
const mostWords = 2000;

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The parts of `prompt` that are missing in `cleaned`, as they were written and in their order. */
export function removedText(prompt: string, cleaned: string): string[] {
  const written = wordsOf(prompt);
  const kept = wordsOf(cleaned);
  const parts: { start: number; end: number }[] = [];
  const missing = missingWords(written, kept);
  for (const [i, { start, end }] of written.entries()) {
    if (!missing[i]) continue;
    const last = parts.at(-1);
    const joins = last && missing[i - 1] && !/\s/.test(prompt.slice(last.end, start));
    if (joins) last.end = end;
    else parts.push({ start, end });
  }
  return parts.map(({ start, end }) => {
    const lead = before.exec(prompt.slice(0, start))![0];
    const tail = after.exec(prompt.slice(end))![0];
    return lead + prompt.slice(start, end) + tail;
  });
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(word)) {
    if (words.length === mostWords) break;
    const [found] = match;
    const plain = found.normalize('NFKC').toLowerCase();
    words.push({ text: plain, start: match.index, end: match.index + found.length });
  }
  return words;
}

/** For each written word whether the longest common subsequence leaves it out; ties keep the later of equal words. */
function missingWords(written: readonly Word[], kept: readonly Word[]): boolean[] {
  const columns = kept.length + 1;
  // common[i * columns + j]: length for the first i written and the first j kept words
  const common = new Uint16Array((written.length + 1) * columns);
  for (let i = 1; i <= written.length; i++) {
    for (let j = 1; j < columns; j++) {
      const same = written[i - 1]!.text === kept[j - 1]!.text;
      const at = i * columns + j;
      common[at] = same ? common[at - columns - 1]! + 1 : Math.max(common[at - columns]!, common[at - 1]!);
    }
  }
  const missing = Array<boolean>(written.length).fill(true);
  for (let i = written.length, j = kept.length; i > 0 && j > 0; ) {
    if (written[i - 1]!.text === kept[j - 1]!.text) {
      missing[--i] = false;
      j--;
    } else if (common[(i - 1) * columns + j]! >= common[i * columns + j - 1]!) i--;
    else j--;
  }
  return missing;
}
