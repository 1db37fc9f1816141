import { expect, test } from 'vitest';
import { instrument } from './instrument.ts';

/** A mutant of a text that has `original` once. */
function mutantOf(text: string, original: string, mutated: string) {
  const start = text.indexOf(original);
  return { file: '', line: 1, start, end: start + original.length, original, mutated };
}

test('with all mutants switched off a program is what it was, and with one of them that is changed', () => {
  const text = 'if (a > 1) log(a + 2); else log(-a);';
  const changes = [
    ['log(a + 2);', ''],
    ['a + 2', 'a - 2'],
    ['a > 1', 'a >= 1'],
    ['2', '(2 + 1)'],
    ['log(-a);', ''],
    ['-a', 'a'],
  ];
  const mutants = changes.map(([original, mutated], i) => ({
    number: i + 1,
    mutant: mutantOf(text, original!, mutated!),
  }));
  const program = new Function('a', 'log', 'mutant', instrument(text, mutants));
  const logged = (a: number, active: number) => {
    const said: number[] = [];
    program(
      a,
      (value: number) => said.push(value),
      (number: number) => number === active,
    );
    return said;
  };
  expect([0, 1, 2, 3, 4, 5, 6].map((active) => logged(5, active))).toEqual([[7], [], [3], [7], [8], [7], [7]]);
  expect([0, 1, 2, 3, 4, 5, 6].map((active) => logged(1, active))).toEqual([[-1], [-1], [-1], [3], [-1], [], [1]]);
});
