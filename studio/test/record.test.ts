import { expect, test } from 'vitest';
import { requestOfRecord } from '../src/components/clip/record.ts';

const record = {
  format: 'quantcache-clip',
  version: 1,
  prompt: 'a star',
  index: 0,
  run: {
    prompts: ['a star'],
    seed: '18446744073709551615',
    numSteps: 30,
    size: '64x96',
    frames: 17,
    fps: 8,
    policy: 'full',
  },
  computed: {},
  model: { name: 'demo', hash: '' },
  source: {},
  pictures: [],
  quantcache: '',
  runtime: '',
  processor: '',
} as const;

test('a record of HEIGHTxWIDTH becomes a request of WIDTHxHEIGHT, its seed with all digits', () => {
  const request = requestOfRecord(record as never);
  expect(request).toMatchObject({ prompt: 'a star', size: '96x64', seed: '18446744073709551615', num_frames: 17 });
  expect(request.quantcache).toEqual({ policy: 'full' });
});

test('a profile goes before the policy that it decided on', () => {
  expect(requestOfRecord({ ...record, profile: 'fast' } as never).quantcache).toEqual({ profile: 'fast' });
});
