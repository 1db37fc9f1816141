/**
 * Text normalization by a SentencePiece "precompiled charsmap": a table from character sequences to their replacements
 * (for T5: NFKC plus rules for spaces and control characters), stored as a double-array trie over UTF-8 bytes.
 *
 * Invariants: at each position the longest sequence in the table is replaced; a character in no sequence is kept.
 * Layout: uint32 size of the trie in bytes, the trie's uint32 units, then zero-terminated UTF-8 replacements.
 * Reference: sentencepiece/src/normalizer.cc; darts-clone (unit layout below).
 */

import { QuantCacheError } from '../../../errors.ts';

/** A trie unit: bit 8 "a value follows", bits 0..7 and 31 label, bits 10.. offset (bit 9: scaled by 256), or a value. */
const hasValue = (unit: number) => (unit & 0x100) !== 0;
const label = (unit: number) => (unit & 0x800000ff) >>> 0;
const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const value = (unit: number) => unit & 0x7fffffff;

/** The normalizer that a charsmap describes; an empty charsmap keeps text as it is. */
export function charsmapNormalizer(charsmap: Uint8Array): (text: string) => string {
  if (charsmap.length === 0) return (text) => text;
  const view = new DataView(charsmap.buffer, charsmap.byteOffset, charsmap.byteLength);
  const trieBytes = charsmap.length < 4 ? Number.NaN : view.getUint32(0, true);
  if (!(trieBytes >= 4 && trieBytes % 4 === 0 && 4 + trieBytes <= charsmap.length)) {
    throw new QuantCacheError('corrupt_file', "The tokenizer's character table is damaged; fetch the tokenizer again.");
  }
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = charsmap.subarray(4 + trieBytes);

  return (text) => {
    const bytes = new TextEncoder().encode(text);
    const output = new ByteList(bytes.length);
    for (let start = 0; start < bytes.length; ) {
      const match = longestMatch(units, bytes, start);
      const length = match?.length ?? characterLength(bytes[start]!);
      if (match === undefined) output.append(bytes, start, start + length);
      else output.append(replacements, match.replacement, terminator(replacements, match.replacement));
      start += length;
    }
    return output.toString();
  };
}

/** The longest table entry that begins at `start`, and where its replacement begins. */
function longestMatch(units: Uint32Array, bytes: Uint8Array, start: number) {
  let longest: { length: number; replacement: number } | undefined;
  let node = offset(units[0]!);
  for (let i = start; i < bytes.length; i++) {
    node ^= bytes[i]!;
    const unit = units[node];
    if (unit === undefined || label(unit) !== bytes[i]) break;
    node ^= offset(unit);
    if (hasValue(unit)) longest = { length: i - start + 1, replacement: value(units[node] ?? 0) };
  }
  return longest;
}

function terminator(replacements: Uint8Array, start: number): number {
  const end = replacements.indexOf(0, start);
  return end < 0 ? replacements.length : end;
}

/** Bytes of the UTF-8 character that begins with this byte. */
function characterLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

/** UTF-8 text under construction. */
class ByteList {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity + 64);
  }

  append(source: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    for (let i = start; i < end; i++) this.#bytes[this.#length++] = source[i]!;
  }

  toString(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytes.subarray(0, this.#length));
  }
}
