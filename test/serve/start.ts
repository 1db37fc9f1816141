/** Servers for tests: real HTTP, real processes, an engine that only pretends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type { Video } from '../../src/serve/api.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/serve/server.ts';

export const fakeEngine = resolve('test/serve/engine.mjs');
export const prompt = 'a large red star moves right over a blue background';

const open = new Set<RunningServer>();
const root = mkdtempSync(join(tmpdir(), 'quantcache-serve-'));
let folders = 0;

afterAll(async () => {
  for (const server of open) await server.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A folder of its own for each. */
export const newFolder = (): string => join(root, String(folders++));

export interface TestServer extends RunningServer {
  readonly data: string;
  /** Asks and reads JSON. */
  json<Body>(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: Body }>;
  /** Asks for a video with the fields of a JSON body. */
  create(fields: object): Promise<Video>;
  /** Waits until a video has ended. */
  ended(id: string): Promise<Video>;
}

/** Starts a server with the pretended engine; it is stopped after the tests of the file. */
export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const data = options.data ?? newFolder();
  const server = await startServer({
    ...{ host: '127.0.0.1', port: 0, data, engines: 1, engine: { device: 'cpu' } },
    engineProgram: fakeEngine,
    studio: join(root, 'none'),
    tell: (message) => message.startsWith('error: ') && console.error(message),
    ...options,
  });
  open.add(server);
  const json: TestServer['json'] = async (path, init) => {
    const { status, headers, ...response } = await fetch(server.url + path, init).then(async (answer) => ({
      status: answer.status,
      headers: answer.headers,
      body: await answer.json(),
    }));
    return { status, headers, body: response.body as never };
  };
  const post = (fields: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  });
  return {
    ...server,
    data,
    json,
    create: async (fields) => (await json<Video>('/v1/videos', post({ prompt, ...fields }))).body,
    async ended(id) {
      for (;;) {
        const { body } = await json<Video>(`/v1/videos/${id}`);
        if (body.status !== 'queued' && body.status !== 'in_progress') return body;
        await new Promise((tick) => setTimeout(tick, 20));
      }
    },
    async stop() {
      open.delete(server);
      await server.stop();
    },
  };
}
