/**
 * A server with the pretended engine, after a build: to work on the studio, and for tests that kill it. With DATABASE_URL its
 * jobs are in Postgres, and with `worker` for a port it is a worker.
 * `node test/serve/fake.mjs [port] [folder] [engines]`
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../dist/serve/server.js';
import { startWorker } from '../../dist/serve/worker.js';

const [port = '8000', data = mkdtempSync(join(tmpdir(), 'quantcache-fake-')), engines = '1'] = process.argv.slice(2);
process.env.FAKE_ENGINE_STEP ??= '400';
const options = {
  data,
  database: process.env.DATABASE_URL,
  engines: Number(engines),
  engine: { device: 'cpu' },
  engineProgram: fileURLToPath(new URL('./engine.mjs', import.meta.url)),
  tell: (message) => process.stderr.write(`${message}\n`),
};
if (port === 'worker') {
  const worker = await startWorker(options);
  process.once('SIGTERM', () => worker.stop());
  process.stdout.write('ready\n');
} else {
  const { FAKE_API_KEY: key } = process.env;
  const most = { maxQueue: 1000, maxWaitingOfKey: 1000, createsPerMinute: 100_000 };
  const settings = { ...most, keys: key ? [key] : [] };
  const server = await startServer({ ...options, host: '127.0.0.1', port: Number(port), settings });
  process.stdout.write(`${server.studioUrl}\n`);
}
