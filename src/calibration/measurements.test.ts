import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/layers.ts';
import { packNumbers } from '../files/numbers.ts';
import {
  loadMeasurements,
  type Measurements,
  noMeasurements,
  type PromptMeasurement,
  saveMeasurements,
} from './measurements.ts';

const file = join(temporaryFolder(), 'measured.json');
const settings = { model: { name: 'demo', hash: 'abc' }, guidanceScale: 4, geometry: { frames: 17 } };
const triangle = (rows: number) => Array.from({ length: rows }, (_, i) => Array<number>(i + 1).fill(0.5));

/** Two steps with two velocities each. */
const measured: PromptMeasurement = {
  prompt: 'waves',
  seed: 1,
  numSteps: 2,
  gram: triangle(2 + 1 + 4),
  latents: [packNumbers(Float32Array.of(1, -0.1)), packNumbers(Float32Array.of(2, 3))],
  changes: [{ output: 0.5, magnitude: 0.9 }],
};
const filed = (changes: Partial<PromptMeasurement> = {}): Measurements => ({
  ...noMeasurements(settings),
  prompts: [{ ...measured, ...changes }],
});

test('what was measured is read again; where there is no file nothing was', async () => {
  expect(await loadMeasurements(join(temporaryFolder(), 'none.json'), settings)).toEqual(noMeasurements(settings));
  await saveMeasurements(file, filed());
  expect(await loadMeasurements(file, settings)).toEqual(filed());
  await saveMeasurements(file, filed({ gram: triangle(2 + 1 + 2) }));
  await expect(loadMeasurements(file, settings)).resolves.toMatchObject({ prompts: [{ seed: 1 }] });
});

test.each<[string, Partial<PromptMeasurement>]>([
  ['no velocities', { gram: triangle(2 + 1) }],
  ['fewer velocities at one step than at another', { gram: triangle(2 + 1 + 3) }],
  ['fewer latents than steps', { latents: measured.latents.slice(1) }],
  ['more changes than there are between steps', { changes: [...measured.changes, ...measured.changes] }],
  ['rows that are too short', { gram: triangle(7).map((row) => row.slice(0, 3)) }],
])('a file with %s is refused', async (_, changes) => {
  writeFileSync(file, JSON.stringify(filed(changes)));
  await expect(loadMeasurements(file, settings)).rejects.toMatchObject({ code: 'corrupt_file' });
});

test('a file of other settings is refused with what differs', async () => {
  await saveMeasurements(file, filed());
  await expect(loadMeasurements(file, { ...settings, guidanceScale: 7 })).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/guidanceScale 4 there, 7 here\)/),
  });
});
