// A clip by OpenAI's client for Node, of a server that "quantcache serve" started: npm install openai && node openai.mjs
import { writeFile } from 'node:fs/promises';
import OpenAI from 'openai';

const { QUANTCACHE_URL = 'http://127.0.0.1:8000', QUANTCACHE_API_KEY = 'none' } = process.env;
const { videos } = new OpenAI({ baseURL: `${QUANTCACHE_URL}/v1`, apiKey: QUANTCACHE_API_KEY });

let video = await videos.create({
  model: 'demo',
  prompt: 'a large red star moves right over a blue background',
  size: '64x64', // WIDTHxHEIGHT
  seconds: '2',
  quantcache: { profile: 'fast' }, // what is ours; the client passes it on
});
while (video.status === 'queued' || video.status === 'in_progress') {
  await new Promise((done) => setTimeout(done, 500));
  video = await videos.retrieve(video.id);
}
if (video.status === 'failed') throw new Error(video.error.message);
const content = await videos.downloadContent(video.id);
await writeFile('openai-node.mp4', Buffer.from(await content.arrayBuffer()));
console.log('openai-node.mp4');
