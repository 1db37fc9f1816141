/** What a prompt of the demo world asks for: its grammar is small enough to be read exactly. */
import { type Attributes, attributes, type Vocabulary } from './vocabulary.ts';

/** The attributes that a prompt names, or undefined where it does not follow the world's grammar. */
export function attributesOfPrompt(prompt: string, vocabulary: Vocabulary): Attributes | undefined {
  const text = prompt.trim().toLowerCase().replace(/\s+/g, ' ').replace(/\.$/, '');
  for (const template of vocabulary.templates) {
    const found = patternOf(template, vocabulary).exec(text)?.groups;
    if (!found) continue;
    const said = {
      ...found,
      motion: nameOf(vocabulary.motions, found.motion!),
      background: nameOf(vocabulary.backgrounds, found.background!),
    } as Attributes;
    return Object.fromEntries(attributes.map((attribute) => [attribute, said[attribute]])) as Attributes;
  }
  return undefined;
}

/** A template such as "{o} over {b}" as an expression with a group per attribute. */
function patternOf(template: string, vocabulary: Vocabulary): RegExp {
  const { sizes, colours, shapes, motions, backgrounds } = vocabulary;
  const thing = `an? ${group('size', sizes)} ${group('colour', colours)} ${group('shape', shapes)} ${group('motion', Object.values(motions))}`;
  const pattern = literal(template)
    .replace('\\{o\\}', thing)
    .replace('\\{b\\}', group('background', Object.values(backgrounds)));
  return new RegExp(`^${pattern}$`);
}

const group = (name: string, words: readonly string[]): string => `(?<${name}>${words.map(literal).join('|')})`;
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const nameOf = (phrases: Readonly<Record<string, string>>, phrase: string): string | undefined =>
  Object.keys(phrases).find((name) => phrases[name] === phrase);
