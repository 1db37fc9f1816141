/** Inputs that are nearly right: real texts, bytes and documents, changed in a few places, and values that trip programs. */
import fc from 'fast-check';

const awkwardTexts = [
  '', ' ', '\n', '\0', '\u2028', '\ud800', '\ufeff', '-', '--', '=', ':', ';', ',', '/', '\\', '..', '../../..', '%00', '~',
  '0', '-0', '-1', '1e9', '1e308', '1e999', '9007199254740993', '2147483648', '0x10', 'NaN', 'Infinity', '٣', '1_000', '0.5',
  'null', 'true', 'undefined', '{}', '[]', '{"a":', '"', "'", '`', '$(id)', '<b></b>', '|0|', '{}', '###', '赤い星', '星星', '🟥',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a'.repeat(5000), '9'.repeat(400), '('.repeat(3000), '[[[['.repeat(2000),
]; // biome-ignore format: a table

/** Any text, mostly awkward. */
export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...awkwardTexts) },
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...awkwardTexts), { maxLength: 4 }).map((parts) => parts.join('')),
);

/** Any number, mostly awkward. */
export const awkwardNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2, 3, 17, 0.5, 1e-320, 1e9, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e300, -1e300),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.integer(),
  fc.double(),
);

/** Mostly one of the right values, so that the others of a record are looked at, too. */
export const mostly = <Right, Wrong>(
  right: readonly Right[],
  wrong: fc.Arbitrary<Wrong>,
): fc.Arbitrary<Right | Wrong> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: wrong });

/** Any value that JSON can hold. */
export const awkwardJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, '', [], {}, [[]], [null], { __proto__: null }, 'x'),
  awkwardNumber.filter(Number.isFinite),
  awkwardText,
  fc.jsonValue({ maxDepth: 2 }),
);

/** A value as programs pass it, which may be no JSON at all. */
export const awkwardValue: fc.Arbitrary<unknown> = fc.oneof(
  awkwardJson,
  awkwardNumber,
  fc.constantFrom<unknown>(undefined, 1n, -1n, Symbol('s'), () => 1, new Date(0), new Map(), Number.NaN),
);

const place = fc.double({ min: 0, max: 1, noNaN: true });

/** A text, cut, doubled or with something put in at one to three places. */
export function changedText(...texts: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.record({ at: place, remove: fc.nat(12), insert: fc.oneof(fc.constant(''), awkwardText) });
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((now, { at, remove, insert }) => {
      const from = Math.floor(at * (now.length + 1));
      return now.slice(0, from) + insert + now.slice(from + remove);
    }, text),
  );
}

/** Bytes, some overwritten, and perhaps cut off or continued. `within`: only the first so many are overwritten. */
export function changedBytes(bytes: Uint8Array, within = bytes.length): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: place, value: fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255)) });
  const length = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, place, fc.constant(1.1));
  return fc.tuple(fc.array(edit, { maxLength: 6 }), length).map(([edits, share]) => {
    const changed = new Uint8Array(Math.floor(bytes.length * share));
    changed.set(bytes.subarray(0, changed.length));
    for (const { at, value } of edits) changed[Math.floor(at * (within - 1))] = value;
    return changed;
  });
}

/** A document in which one to three values are replaced, removed or doubled, as text; at times the text is changed instead. */
export function changedJson(document: unknown): fc.Arbitrary<string> {
  const edit = fc.record({
    at: place,
    how: fc.constantFrom('replace', 'replace', 'remove', 'add'),
    value: awkwardJson,
  });
  const documents = fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    const changed = { root: structuredClone(document) };
    for (const { at, how, value } of edits) {
      const places = placesOf(changed);
      const found = places[Math.floor(at * (places.length - 1))];
      if (!found) break; // an earlier edit has removed the whole document
      const { holder, key } = found;
      if (how === 'replace') holder[key] = value;
      else if (how === 'add') holder[`${key}2`] = value;
      else if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
    }
    return JSON.stringify(changed.root) ?? '';
  });
  return fc.oneof(
    { weight: 6, arbitrary: documents },
    changedText(JSON.stringify(document)),
    awkwardJson.map((value) => JSON.stringify(value) ?? ''),
  );
}

type Holder = Record<string, unknown>;

/** Every value of a document as the place that holds it. */
function placesOf(holder: object, most = 4000): { holder: Holder; key: string }[] {
  const places: { holder: Holder; key: string }[] = [];
  const walk = (value: Holder) => {
    for (const key of Object.keys(value)) {
      if (places.length >= most) return;
      places.push({ holder: value, key });
      const inner = value[key];
      if (typeof inner === 'object' && inner !== null) walk(inner as Holder);
    }
  };
  walk(holder as Holder);
  return places;
}
