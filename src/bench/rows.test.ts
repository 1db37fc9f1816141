import { expect, it } from 'vitest';
import { parseRows, withReferences } from './rows.ts';

const defaults = { numSteps: 30, precision: 'fp32' } as const;
const labels = (text: string) => parseRows(text, defaults).map(({ label }) => label);

it('reads policies, precisions, steps and options', () => {
  expect(parseRows('full#15, static@w8a8#20:every=3,mask=8-1-3', defaults)).toEqual([
    { label: 'full#15', policy: 'full', options: {}, precision: 'fp32', numSteps: 15 },
    {
      label: 'static@w8a8#20:every=3,mask=8-1-3',
      policy: 'static',
      options: { every: 3, mask: '8-1-3' },
      precision: 'w8a8',
      numSteps: 20,
    },
  ]);
});

it('takes commas within brackets and between options for what they are', () => {
  expect(labels('schedule:steps=[0,3,5],budget=3,full#15,fora:interval=4')).toEqual([
    'schedule:steps=[0,3,5],budget=3',
    'full#15',
    'fora:interval=4',
  ]);
});

it('reads how a precision quantizes', () => {
  const [row] = parseRows('fora@w4a8/vidit-q#20:interval=2', defaults);
  expect(row).toMatchObject({ policy: 'fora', precision: 'w4a8', recipe: 'vidit-q', numSteps: 20 });
  expect(row!.label).toBe('fora@w4a8/vidit-q#20:interval=2');
});

it('takes a sampler as an option of every row', () => {
  const [row] = parseRows('full@w8a8#8:sampler=unipc', defaults);
  expect(row).toMatchObject({ label: 'full@w8a8#8:sampler=unipc', policy: 'full', options: { sampler: 'unipc' } });
  expect(() => parseRows('full:sampler=3', defaults)).toThrow(/sampler=unipc/);
});

it('labels leave out what is the default, so that a row is the same however it is written', () => {
  expect(labels('full@fp32#30')).toEqual(['full']);
  expect(parseRows('full', { numSteps: 30, precision: 'w8a8' })[0]!.label).toBe('full@w8a8');
});

it.each([
  ['', /no row/],
  ['full,', /no row/],
  ['full full', /no row/],
  ['full#0', /no steps/],
  ['full@w3a3', /w3a3.*fp32/],
  ['magic', /no policy "magic"/],
  ['full:threshold=1', /refuses these options/],
  ['teacache:threshold', /no option/],
  ['full,full@fp32', /given twice/],
  ['full@w8a8/magic', /recipe "magic".*quarot/],
  ['full@fp32/quarot', /recipes are for w8a8/],
])('refuses %j', (text, message) => {
  expect(() => parseRows(text, defaults)).toThrow(message);
});

it('puts full computation in front, at 30 steps too where the comparison takes more', () => {
  const rows = parseRows('teacache,full', defaults);
  expect(withReferences(rows, 30).map(({ label }) => label)).toEqual(['full', 'teacache']);
  const longer = parseRows('teacache', { ...defaults, numSteps: 100 });
  expect(withReferences(longer, 100).map(({ label, numSteps }) => [label, numSteps])).toEqual([
    ['full', 100],
    ['full#30', 30],
    ['teacache', 100],
  ]);
});
