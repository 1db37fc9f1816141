/**
 * The cleaning that Open-Sora's training captions went through, applied to prompts so that the text encoder sees what it saw
 * in training. It is rough: text becomes lower case; addresses, HTML, mentions, file names, ids, long numbers, Chinese
 * characters and most symbols go.
 *
 * Invariants: the steps and their order are the original's, including those without effect on most text. The regular
 * expressions match what the original's match, but some are written differently so that time stays linear in the length
 * of the prompt: the original takes minutes for 100,000 unfortunate characters.
 * What of BeautifulSoup and ftfy is covered and what is not: headers of html.ts and repair.ts.
 * Reference: opensora/models/text_encoder/t5.py, `clean_caption` and `text_preprocessing`, which stem from DeepFloyd IF.
 */

import { removeAddresses, removeFileNames } from './addresses.ts';
import { htmlText, unescapeHtml } from './html.ts';
import { pythonPattern, strip } from './python-pattern.ts';
import { repairText } from './repair.ts';

/** A pattern and what replaces it. */
type Replacement = readonly [pattern: RegExp, replacement: string];

/** As Python's `re.sub(pattern, replacement, text)`. */
const substitute = (pattern: string, replacement = ''): Replacement => [pythonPattern(pattern), replacement];

const raw = String.raw;

const beforeFileNames: readonly Replacement[] = [
  substitute(raw`@[\w\d]+\b`), // mentions
  substitute(raw`[\u31c0-\u31ef\u31f0-\u31ff\u3200-\u32ff\u3300-\u33ff\u3400-\u4dbf\u4dc0-\u4dff\u4e00-\u9fff]+`),
  substitute(
    raw`[\u002D\u058A\u05BE\u1400\u1806\u2010-\u2015\u2E17\u2E1A\u2E3A\u2E3B\u2E40\u301C\u3030\u30A0\uFE31\uFE32\uFE58\uFE63\uFF0D]+`,
    '-',
  ),
  substitute('[`´«»“”¨]', '"'),
  substitute('[‘’]', "'"),
  substitute('&quot;?'),
  substitute('&amp'),
  substitute(raw`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`, ' '), // IP addresses
  substitute(raw`\d:\d\d\s+$`), // article ids
  substitute(raw`\\n`, ' '),
  substitute(raw`#\d{1,3}\b`),
  substitute(raw`#\d{5,}\b`),
  substitute(raw`\<\d{6,}\b`),
];

const afterFileNames: readonly Replacement[] = [
  substitute(raw`["']{2,}`, '"'),
  substitute(raw`\.{2,}`, ' '),
  substitute(raw`[#®•©™&@·º½¾¿¡§~()\]\[}{|\\/*]+`, ' '),
  substitute(raw`(?<!\s)\s+\.\s+`, ' '), // the original has no look-behind; a match starts at the first space anyway
];

const hyphens = /[-_]/g;
const hyphensOfText = 3; // with more, they stand for spaces: this-is-my-cute-cat

const afterRepair: readonly Replacement[] = [
  substitute(raw`\<[a-zA-Z]{1,3}\d{3,15}\b`), // jc6640
  substitute(raw`\<[a-zA-Z]+\d+[a-zA-Z]+\b`), // jc6640vc
  substitute(raw`\<\d+[a-zA-Z]+\d+\b`), // 6640vc231
  substitute(raw`(worldwide\s+)?(free\s+)?shipping`),
  substitute(raw`(free\s)?download(\sfree)?`),
  substitute(raw`\<click\b\s(?:for|on)\s\w+`),
  substitute(raw`\<(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)(\simages?)?`),
  substitute(raw`\<page\s+\d+\b`),
  substitute(raw`\<\d*[a-zA-Z]+\d+[a-zA-Z]+\d[a-zA-Z\d]*\b`, ' '), // j2d1a2a; the original has \d+ where digits follow anyway
  substitute(raw`\<\d+(?:\.\d*)?[xх×]\d+(?:\.\d*)?\b`), // 3x4; the original has \.?\d*, which is the same
  substitute(raw`(?=\s)(?<=\w)\s+:\s+`, ': '),
  substitute(raw`(\D[,./])\b`, '$1 '),
  substitute(raw`\s+`, ' '),
  substitute(raw`^["']([^]+)["']$`, '$1'),
  substitute(raw`^['_,\-:;]`),
  substitute(raw`['_,\-:+]$`),
  substitute(raw`^\.\S+$`),
];

/** The prompt as the text encoder is given it. An empty prompt is legal and stays empty. */
export function cleanPrompt(prompt: string): string {
  return cleanCaption(cleanCaption(prompt));
}

/** One pass of the cleaning; the original makes two, and the second often finds more. */
export function cleanCaption(caption: string): string {
  let text = strip(unquotePlus(caption)).toLowerCase();
  text = text.replaceAll('<person>', 'person');
  text = removeAddresses(removeAddresses(text, 'https?'), 'www');
  text = replaceAll(htmlText(text), beforeFileNames);
  text = replaceAll(removeFileNames(text), afterFileNames);
  if ((text.match(hyphens)?.length ?? 0) > hyphensOfText) text = text.replace(hyphens, ' ');
  text = strip(unescapeHtml(unescapeHtml(repairText(text))));
  return strip(replaceAll(text, afterRepair));
}

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), text);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Python's `urllib.parse.unquote_plus`: `+` is a space, `%c3%a9` is é, invalid bytes are U+FFFD. */
function unquotePlus(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    const bytes = escapes.slice(1).split('%');
    return utf8.decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  });
}
