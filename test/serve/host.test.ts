/** The host of an engine that dies before it is of use. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createEngineHost } from '../../src/serve/engine/host.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-host-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An engine whose first processes die as they open their model. */
function dying(times: number): { program: string; starts: () => number } {
  const [program, starts] = [join(folder, `dies${times}.mjs`), join(folder, `starts${times}`)];
  writeFileSync(starts, '');
  writeFileSync(
    program,
    `import { appendFileSync, readFileSync } from 'node:fs';
    process.once('message', () => {
      appendFileSync(${JSON.stringify(starts)}, '.');
      if (readFileSync(${JSON.stringify(starts)}).length <= ${times}) process.kill(process.pid, 'SIGKILL');
      process.send({ type: 'ready', offer: { model: 'demo' } });
    });
    process.on('disconnect', () => process.exit());`,
  );
  return { program, starts: () => readFileSync(starts).length };
}

test('an engine that is killed as it opens its model is started again', async () => {
  const { program, starts } = dying(2);
  const host = createEngineHost({ program, engine: { device: 'cpu' } });
  expect(await host.open()).toEqual({ model: 'demo' });
  expect([starts(), host.crashes]).toEqual([3, 2]);
  await host.close();
});

test('one that always dies is given up', async () => {
  const { program, starts } = dying(1000);
  const host = createEngineHost({ program, engine: { device: 'cpu' } });
  await expect(host.open()).rejects.toThrow('before its model was open');
  expect(starts()).toBe(5);
  await host.close();
});
