/** What a prompt of the demo world asks for: its grammar is small enough to be read exactly. */
import { type Attributes, attributes, type Vocabulary } from './vocabulary.ts';

/** What a prompt says of each of its things, one or two, or undefined where it does not follow the world's grammar. */
export function attributesOfPrompt(prompt: string, vocabulary: Vocabulary): readonly Attributes[] | undefined {
  const text = prompt.trim().toLowerCase().replace(/\s+/g, ' ').replace(/\.$/, '');
  for (const template of vocabulary.templates)
    for (const things of [1, 2]) {
      const found = patternOf(template, things, vocabulary).exec(text)?.groups;
      if (found) return Array.from({ length: things }, (_, thing) => saidOf(found, thing, vocabulary));
    }
  return undefined;
}

/** A template such as "{o} over {b}" as an expression with a group per attribute of each thing. */
function patternOf(template: string, things: number, vocabulary: Vocabulary): RegExp {
  const { sizes, colours, shapes, motions, backgrounds } = vocabulary;
  const thing = (i: number) =>
    `an? ${group(`size${i}`, sizes)} ${group(`colour${i}`, colours)} ${group(`shape${i}`, shapes)} ${group(`motion${i}`, Object.values(motions))}`;
  const pattern = literal(template)
    .replace('\\{o\\}', Array.from({ length: things }, (_, i) => thing(i)).join(' and '))
    .replace('\\{b\\}', group('background', Object.values(backgrounds)));
  return new RegExp(`^${pattern}$`);
}

function saidOf(found: Readonly<Record<string, string>>, thing: number, vocabulary: Vocabulary): Attributes {
  const said: Attributes = {
    shape: found[`shape${thing}`]!,
    colour: found[`colour${thing}`]!,
    size: found[`size${thing}`]!,
    motion: nameOf(vocabulary.motions, found[`motion${thing}`]!),
    background: nameOf(vocabulary.backgrounds, found.background!),
  };
  return Object.fromEntries(attributes.map((attribute) => [attribute, said[attribute]])) as Attributes;
}

const group = (name: string, words: readonly string[]): string => `(?<${name}>${words.map(literal).join('|')})`;
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The name of a phrase that is one of them. */
const nameOf = (phrases: Readonly<Record<string, string>>, phrase: string): string =>
  Object.keys(phrases).find((name) => phrases[name] === phrase)!;
