// The Vercel AI SDK of the working folder against a server: node ai-sdk.mjs URL KEY. Says nothing where all is well.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createQuantCache } from '../../../dist/api/ai-sdk.js';

const entry = createRequire(join(process.cwd(), 'package.json')).resolve('ai');
const { experimental_generateVideo: generateVideo } = await import(pathToFileURL(entry).href);
const [baseURL, apiKey] = process.argv.slice(2);
const model = createQuantCache({ baseURL, apiKey }).video('demo');
const prompt = 'a large red star moves right over a blue background';
const settings = { model, prompt, resolution: '64x64', duration: 2, seed: 5 };

const { video, videos, warnings, providerMetadata } = await generateVideo({
  ...settings,
  n: 2,
  providerOptions: { quantcache: { profile: 'fast' } },
});
assert.match(Buffer.from(video.uint8Array).toString(), /by seed 5/);
assert.deepEqual([video.mediaType, videos.length, warnings], ['video/mp4', 2, []]);
assert.equal(providerMetadata.quantcache.num_frames, 17);

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==';
const shown = await generateVideo({ ...settings, prompt: { text: prompt, image: Buffer.from(pixel, 'base64') } });
assert.equal(shown.providerMetadata.quantcache.has_input_reference, true);

await assert.rejects(generateVideo({ ...settings, resolution: '9000x9000' }), /too large/);
await assert.rejects(generateVideo({ ...settings, prompt: 'fail' }), /hold NaN/);
const abortSignal = AbortSignal.timeout(300);
await assert.rejects(generateVideo({ ...settings, prompt: 'slow', abortSignal }), { name: /Abort|Timeout/ });
