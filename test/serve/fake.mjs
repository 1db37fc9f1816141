/** A server with the pretended engine, to work on the studio: `node test/serve/fake.mjs [port]`, after a build. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../dist/serve/server.js';

process.env.FAKE_ENGINE_STEP ??= '400';
const server = await startServer({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 8000),
  data: mkdtempSync(join(tmpdir(), 'quantcache-fake-')),
  engines: 1,
  engine: { device: 'cpu', preview: 'always' },
  engineProgram: fileURLToPath(new URL('./engine.mjs', import.meta.url)),
  tell: (message) => process.stderr.write(`${message}\n`),
});
process.stdout.write(`${server.studioUrl}\n`);
