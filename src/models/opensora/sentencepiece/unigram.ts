/**
 * Splitting a word into the most likely sequence of pieces of a unigram language model (Viterbi).
 *
 * Invariants: scores add up in float32 and the first of equal paths wins, as in SentencePiece; a character in no piece
 * is unknown at the lowest piece score minus 10; neighbouring unknown characters are one unknown token.
 * Reference: Kudo 2018, arXiv 1804.10959; sentencepiece/src/unigram_model.cc, `EncodeOptimized`.
 */

/** The pieces of a unigram model that text may be split into. */
export interface UnigramPieces {
  /** Piece to id; control and unknown pieces are not in it. */
  ids: ReadonlyMap<string, number>;
  /** Log-probability by id. */
  scores: ArrayLike<number>;
  unknownId: number;
}

/** A piece of text and its id; the text of an unknown token is what was not known. */
export interface Token {
  id: number;
  text: string;
}

const unknownPenalty = 10;

/** A function that splits one word (with its leading `▁`) into tokens. */
export function unigramSplitter({ ids, scores, unknownId }: UnigramPieces): (word: string) => Token[] {
  let longest = 0; // of all pieces, in UTF-16 code units
  let lowestScore = Number.POSITIVE_INFINITY;
  for (const [piece, id] of ids) {
    longest = Math.max(longest, piece.length);
    lowestScore = Math.min(lowestScore, scores[id]!);
  }
  const unknownScore = Math.fround(lowestScore - unknownPenalty);

  return (word) => {
    const bestScore = new Float32Array(word.length + 1).fill(Number.NEGATIVE_INFINITY);
    const bestId = new Int32Array(word.length + 1);
    const bestStart = new Int32Array(word.length + 1);
    bestScore[0] = 0;

    function offer(start: number, end: number, id: number, score: number): void {
      const total = Math.fround(bestScore[start]! + score);
      if (total > bestScore[end]!) {
        bestScore[end] = total;
        bestId[end] = id;
        bestStart[end] = start;
      }
    }

    for (let start = 0; start < word.length; ) {
      const characterEnd = start + (word.codePointAt(start)! > 0xffff ? 2 : 1);
      let isKnown = false;
      for (let end = characterEnd; end <= word.length && end - start <= longest; end++) {
        const id = ids.get(word.slice(start, end));
        if (id === undefined) continue;
        isKnown ||= end === characterEnd;
        offer(start, end, id, scores[id]!);
      }
      if (!isKnown) offer(start, characterEnd, unknownId, unknownScore);
      start = characterEnd;
    }
    return backtrack(word, bestId, bestStart, unknownId);
  };
}

/** The tokens of the best path, unknown neighbours merged. */
function backtrack(word: string, bestId: Int32Array, bestStart: Int32Array, unknownId: number): Token[] {
  const tokens: Token[] = [];
  for (let end = word.length; end > 0; end = bestStart[end]!) {
    const id = bestId[end]!;
    const text = word.slice(bestStart[end]!, end);
    const following = tokens.at(-1);
    if (id === unknownId && following?.id === unknownId) following.text = text + following.text;
    else tokens.push({ id, text });
  }
  return tokens.reverse();
}
