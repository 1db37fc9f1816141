/**
 * A QuantCache server as a video model of the Vercel AI SDK 7. The SDK is not imported: it calls an object of this form, whose
 * parts that are used here are written down below, as are those of the server's answers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { QuantCacheError } from '../errors.ts';

/** A picture as the SDK hands it over. */
export type VideoModelFile =
  | { readonly type: 'file'; readonly mediaType: string; readonly data: string | Uint8Array }
  | { readonly type: 'url'; readonly url: string };

/** What `experimental_generateVideo` asks a model for. */
export interface VideoModelCall {
  readonly prompt: string | undefined;
  /** WIDTHxHEIGHT. */
  readonly resolution?: string;
  readonly aspectRatio?: string;
  /** Seconds. */
  readonly duration?: number;
  readonly fps?: number;
  readonly seed?: number;
  /** The first frame. */
  readonly image?: VideoModelFile;
  readonly frameImages?: readonly { readonly image: VideoModelFile; readonly frameType: string }[];
  readonly inputReferences?: readonly VideoModelFile[];
  readonly generateAudio?: boolean;
  /** Under `quantcache`: fields of the request, those that are ours without their key. */
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly abortSignal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface VideoModelResult {
  videos: { type: 'binary'; data: Uint8Array; mediaType: string }[];
  warnings: ({ type: 'unsupported'; feature: string; details?: string } | { type: 'other'; message: string })[];
  providerMetadata: Record<string, Record<string, never>>;
  response: { timestamp: Date; modelId: string; headers: Record<string, string> | undefined };
}

/** A `VideoModelV4`. */
export interface VideoModel {
  readonly specificationVersion: 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly maxVideosPerCall: number;
  doGenerate(call: VideoModelCall): Promise<VideoModelResult>;
}

/** What of a video is read here. */
interface Video {
  readonly id: string;
  readonly status: 'queued' | 'in_progress' | 'completed' | 'failed';
  readonly error: { readonly message: string } | null;
  readonly quantcache: { readonly warnings: readonly string[] };
}

export interface QuantCacheServer {
  /** Default: http://127.0.0.1:8000/v1. */
  readonly baseURL?: string;
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
}

/** A server that the AI SDK can make videos with: `generateVideo({ model: createQuantCache().video('demo'), prompt })`. */
export function createQuantCache({ baseURL = 'http://127.0.0.1:8000/v1', apiKey, ...options }: QuantCacheServer = {}) {
  const root = baseURL.replace(/\/+$/, '');
  const send = options.fetch ?? fetch;

  /** Asks the server. Throws `invalid_option` for what it refuses, `network` where it cannot be reached or fails. */
  async function ask(path: string, { headers, abortSignal: signal }: VideoModelCall, init: RequestInit = {}) {
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) sent[name] = value;
    if (apiKey !== undefined) sent.authorization = `Bearer ${apiKey}`;
    if (init.body) sent['content-type'] = 'application/json';
    const answer = await send(root + path, { ...init, headers: sent, signal }).catch((error: unknown) => {
      if (signal?.aborted) throw error; // as the SDK knows it
      throw new QuantCacheError(
        'network',
        `No QuantCache server answers at ${root}. Start one with "quantcache serve".`,
        {
          cause: error,
        },
      );
    });
    if (answer.ok) return answer;
    const { error } = (await answer.json().catch(() => ({}))) as Partial<Pick<Video, 'error'>>;
    const message = error?.message ?? `The server answered with status ${answer.status}.`;
    throw new QuantCacheError(answer.status < 500 ? 'invalid_option' : 'network', message);
  }

  /** Waits until a video is made; one that nobody waits for any more is cancelled. */
  async function finished(first: Video, call: VideoModelCall): Promise<Video> {
    try {
      for (let video = first, pause = 500; ; ) {
        if (video.status === 'completed') return video;
        if (video.status === 'failed')
          throw new QuantCacheError('network', `The server did not make the video: ${video.error?.message}`);
        await sleep(pause, undefined, { signal: call.abortSignal });
        const answer = await ask(`/videos/${video.id}`, call);
        pause = Number(answer.headers.get('openai-poll-after-ms') ?? pause);
        video = (await answer.json()) as Video;
      }
    } catch (error) {
      if (call.abortSignal?.aborted)
        await ask(`/videos/${first.id}/cancel`, { ...call, abortSignal: undefined }, { method: 'POST' }).catch(
          () => {},
        );
      throw error;
    }
  }

  return {
    video: (modelId: string): VideoModel => ({
      specificationVersion: 'v4',
      provider: 'quantcache',
      modelId,
      maxVideosPerCall: 1,
      async doGenerate(call) {
        assertSdk(call);
        const timestamp = new Date();
        const { request, warnings } = requestOf(call, modelId);
        const created = await ask('/videos', call, { method: 'POST', body: JSON.stringify(request) });
        const { id, quantcache } = await finished((await created.json()) as Video, call);
        const content = await ask(`/videos/${id}/content`, call);
        const mediaType = content.headers.get('content-type') ?? 'video/mp4';
        return {
          videos: [{ type: 'binary', data: new Uint8Array(await content.arrayBuffer()), mediaType }],
          warnings: [...warnings, ...quantcache.warnings.map((message) => ({ type: 'other' as const, message }))],
          providerMetadata: { quantcache: { id, ...quantcache } as never },
          response: { timestamp, modelId, headers: Object.fromEntries(created.headers) },
        };
      },
    }),
  };
}

/** The SDK says its version in the header of the agent; older ones hand over other things. */
function assertSdk({ headers }: VideoModelCall): void {
  const agent = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'user-agent')?.[1];
  const [, version] = /\bai\/(\d+)\./.exec(agent ?? '') ?? [];
  if (version === undefined || Number(version) >= 7) return;
  throw new QuantCacheError('invalid_option', `quantcache/ai-sdk needs version 7 of the package ai, not ${version}.`);
}

/** Fields of a request that have no key of ours. */
const plainFields = new Set(['negative_prompt', 'num_inference_steps', 'guidance_scale', 'num_frames']);

function requestOf(call: VideoModelCall, model: string) {
  const warnings: VideoModelResult['warnings'] = [];
  const unsupported = (feature: string, details?: string) => warnings.push({ type: 'unsupported', feature, details });
  const { prompt, resolution: size, duration: seconds, fps, seed, frameImages = [] } = call;
  if (call.aspectRatio !== undefined && size === undefined)
    unsupported('aspectRatio', 'Give the resolution, such as 64x64.');
  if (call.generateAudio) unsupported('generateAudio');
  if (call.inputReferences?.length) unsupported('inputReferences');
  if (frameImages.some(({ frameType }) => frameType !== 'first_frame'))
    unsupported('frameImages', 'Only a first frame.');
  const image = call.image ?? frameImages.find(({ frameType }) => frameType === 'first_frame')?.image;
  const given = Object.entries(call.providerOptions?.quantcache ?? {});
  const plain = given.filter(([name]) => plainFields.has(name));
  const ours = given.filter(([name]) => !plainFields.has(name));
  const request = {
    ...{ prompt, model, size, seconds, fps, seed },
    ...(image && { input_reference: { image_url: urlOf(image) } }),
    ...Object.fromEntries(plain),
    ...(ours.length > 0 && { quantcache: Object.fromEntries(ours) }),
  };
  return { request, warnings };
}

function urlOf(file: VideoModelFile): string {
  if (file.type === 'url') return file.url;
  const { data, mediaType } = file;
  return `data:${mediaType};base64,${typeof data === 'string' ? data : Buffer.from(data).toString('base64')}`;
}
