// A clip by the Vercel AI SDK, of a server that "quantcache serve" started: npm install ai@7 quantcache && node ai-sdk.mjs
import { writeFile } from 'node:fs/promises';
import { experimental_generateVideo as generateVideo } from 'ai';
import { createQuantCache } from 'quantcache/ai-sdk';

const { QUANTCACHE_URL = 'http://127.0.0.1:8000', QUANTCACHE_API_KEY: apiKey } = process.env;
const quantcache = createQuantCache({ baseURL: `${QUANTCACHE_URL}/v1`, apiKey });

const { video } = await generateVideo({
  model: quantcache.video('demo'),
  prompt: 'a large red star moves right over a blue background',
  resolution: '64x64', // WIDTHxHEIGHT
  duration: 2,
  seed: 7,
  providerOptions: { quantcache: { profile: 'fast' } },
});
await writeFile('ai-sdk.mp4', video.uint8Array);
console.log('ai-sdk.mp4');
