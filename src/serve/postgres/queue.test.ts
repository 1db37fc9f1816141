/** The queue in Postgres: the suite of all queues. */
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testQueue } from '../conformance.ts';
import { assertVersion } from './boss.ts';
import { openPostgresQueue } from './queue.ts';
import { missing, startPostgres, type TestPostgres } from './testing.ts';

test('versions of pg-boss whose ways are not known are refused, with the number of one that is', () => {
  assertVersion('12.38.0');
  assertVersion('12.40.1');
  for (const version of ['10.4.2', '12.37.9', '13.0.0'])
    expect(() => assertVersion(version)).toThrow(`pg-boss ${version} is installed`);
});

describe.skipIf(missing)(`the queue in Postgres${missing ? `: ${missing}` : ''}`, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  testQueue(async (data) => openPostgresQueue({ url: await postgres.database(basename(data)), data }));
});
