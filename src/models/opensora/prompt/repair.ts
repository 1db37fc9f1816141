/**
 * Repairs of text that went through broken software, as ftfy's `fix_text` does with its defaults.
 *
 * Covered: C1 control characters read as Windows-1252, Latin ligatures, full- and halfwidth characters, curly quotes, line
 * breaks, lone surrogates, terminal escapes, control characters, Unicode normalization NFC; repeated until nothing changes.
 * Not covered: mojibake (UTF-8 once decoded as something else, such as `Ã©` for `é`). The cleaning of prompts lower-cases
 * text and drops symbols before it comes here, which destroys most such sequences for ftfy too. HTML entities, which ftfy
 * would decode, are left to the `html.unescape` that follows.
 * Reference: ftfy 6.3.1, ftfy/fixes.py and ftfy/chardata.py.
 */

import { fromWindows1252 } from './html.ts';

/** Latin ligatures; NFKC takes them apart as ftfy does, except for U+FB05 below. */
const ligatures = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g;

/** The text without what ftfy finds broken. */
export function repairText(text: string): string {
  let repaired = text;
  let previous: string;
  do {
    previous = repaired;
    repaired = repairOnce(previous);
  } while (repaired !== previous);
  return repaired;
}

function repairOnce(text: string): string {
  return (
    text
      .replace(/[\x80-\x9f]/g, (control) => fromWindows1252(control.charCodeAt(0)))
      .replace(/\ufb05/g, '\u017ft')
      .replace(ligatures, compatible)
      .replace(/[\u3000\uff01-\uffef]/g, compatible)
      .replace(/[\u02bc\u2018-\u201b]/g, "'")
      .replace(/[\u201c-\u201f]/g, '"')
      .replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
      .replace(/[\ud800-\udfff]/gu, '\ufffd')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
      .replace(/\x1b\[[\d;]*[a-zA-Z]/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
      .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, '')
      .normalize('NFC')
  );
}

function compatible(character: string): string {
  return character.normalize('NFKC');
}
