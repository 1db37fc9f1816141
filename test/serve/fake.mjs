/**
 * A server with the pretended engine, after a build: to work on the studio, and for tests that kill it.
 * `node test/serve/fake.mjs [port] [folder] [engines]`
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../dist/serve/server.js';

const [port = '8000', data = mkdtempSync(join(tmpdir(), 'quantcache-fake-')), engines = '1'] = process.argv.slice(2);
process.env.FAKE_ENGINE_STEP ??= '400';
const server = await startServer({
  host: '127.0.0.1',
  port: Number(port),
  data,
  engines: Number(engines),
  engine: { device: 'cpu' },
  engineProgram: fileURLToPath(new URL('./engine.mjs', import.meta.url)),
  settings: { maxQueue: 1000, createsPerMinute: 100_000 },
  tell: (message) => process.stderr.write(`${message}\n`),
});
process.stdout.write(`${server.studioUrl}\n`);
