/** Making clips out of the form, and out of clips that there are. */
import type { CreateVideo, Video } from '../api/types.ts';
import { change, draft, randomSeed, requestOf } from './draft.ts';
import { again, isUnfinished, make, videos } from './library.ts';
import { refused, say } from './notices.ts';
import { go } from './route.ts';
import { model } from './server.ts';

/** How many clips "variations" makes. */
export const variations = 4;

/** Puts what the form holds in the queue, `count` times with seeds of their own. */
export async function makeDraft(count = 1): Promise<void> {
  const chosen = model.value;
  if (!chosen) return;
  if (draft.value.prompt.trim() === '') {
    document.getElementById('prompt')?.focus();
    return;
  }
  const { seed, seedLocked } = draft.value;
  const seeds = Array.from({ length: count }, (_, i) => (i === 0 ? seed : next(seed, i)));
  const requests = seeds.map((own) => requestOf({ ...draft.value, seed: own }, chosen.quantcache, chosen.id));
  const made = await queue(requests);
  if (made.length > 0 && !seedLocked) change({ seed: randomSeed() });
}

/** Seeds of variations follow each other, so that a whole set can be made again from its first. */
const next = (seed: string, by: number): string => String((BigInt(seed) + BigInt(by)) & 0xffff_ffff_ffff_ffffn);

/** The same clip again. */
export const retry = (video: Video) => queued(async () => [await again(video)]);

/** Four more of a clip, with the seeds after its own. */
export function vary(video: Video): Promise<Video[]> {
  const request = requestOfVideo(video);
  const seed = String(request.seed ?? video.quantcache.seed);
  return queue(Array.from({ length: variations }, (_, i) => ({ ...request, seed: next(seed, i + 1) })));
}

/** The same clip with nothing reused and nothing quantized: what others of its prompt and seed are measured against. */
export function alsoFull(video: Video): Promise<Video[]> {
  const { sampler, loops } = requestOfVideo(video).quantcache ?? {};
  const preview = model.value?.quantcache.previews || undefined;
  const quantcache = { policy: 'full', precision: 'fp32', sampler, loops, trace: true, preview } as const;
  return queue([{ ...requestOfVideo(video), quantcache }]);
}

/** Whether a clip was computed in full, in full precision. */
export const isFull = ({ quantcache }: Video): boolean =>
  quantcache.policy === 'full' && (quantcache.precision ?? 'fp32') === 'fp32';

/** Clips of the same prompt, seed, size, length, steps and guidance, whatever made them: what can be compared. */
export function familyOf(video: Video): Video[] {
  const key = familyKey(video);
  return videos.value.filter((other) => familyKey(other) === key);
}

function familyKey({ model: name, prompt, size, quantcache }: Video): string {
  const { seed, num_frames, fps, guidance_scale, loops, negative_prompt, num_inference_steps, has_input_reference } =
    quantcache;
  const settings = [num_frames, fps, guidance_scale, loops, negative_prompt, num_inference_steps, has_input_reference];
  return JSON.stringify([name, prompt, size, String(seed), ...settings]);
}

/** The settings that make a video again; its decided seed where the request left it open. */
export function requestOfVideo({ quantcache }: Video): CreateVideo {
  return { ...quantcache.request, seed: quantcache.request.seed ?? quantcache.seed };
}

const queue = (requests: readonly CreateVideo[]) => queued(() => make(requests));

/** Says what was put in the queue, and shows it where nothing else is being made. */
async function queued(put: () => Promise<Video[]>): Promise<Video[]> {
  try {
    const made = await put();
    const first = made[0];
    if (first && videos.value.filter(isUnfinished).length === made.length) go({ at: 'clip', id: first.id });
    else if (made.length > 0) say(made.length === 1 ? 'In the queue.' : `${made.length} in the queue.`);
    return made;
  } catch (error) {
    refused(error);
    return [];
  }
}
