// A server, a clip from it by HTTP, and one as the Vercel AI SDK asks for it: node examples/serve.mjs
// With the SDK itself: examples/clients/ai-sdk.mjs; with clients of OpenAI's API and curl: beside it.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createQuantCache } from 'quantcache/ai-sdk';

const program = join(dirname(createRequire(import.meta.url).resolve('quantcache/package.json')), 'dist/cli/main.js');
const data = await mkdtemp(join(tmpdir(), 'quantcache-example-'));
const args = [program, 'serve', '--port', '0', '--data', data, '--json'];
const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const { url } = JSON.parse(await new Promise((done) => server.stdout.once('data', done)));
  const prompt = 'a large red star moves right over a blue background';

  const created = await fetch(`${url}/v1/videos`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, seed: 7, quantcache: { profile: 'fast' } }),
  });
  const { id } = await created.json();
  let video;
  do {
    await new Promise((done) => setTimeout(done, 250));
    video = await (await fetch(`${url}/v1/videos/${id}`)).json();
    console.log(`${video.status} ${video.progress}%`);
  } while (video.status === 'queued' || video.status === 'in_progress');
  const content = await fetch(`${url}/v1/videos/${id}/content`);
  await writeFile('served.mp4', Buffer.from(await content.arrayBuffer()));

  const model = createQuantCache({ baseURL: `${url}/v1` }).video('demo');
  const { videos } = await model.doGenerate({ prompt, seed: 7, providerOptions: { quantcache: { profile: 'fast' } } });
  await writeFile('served-again.mp4', videos[0].data);
  console.log('served.mp4 and served-again.mp4, the same bytes');
} finally {
  server.kill();
  await new Promise((done) => server.once('exit', done));
  await rm(data, { recursive: true });
}
