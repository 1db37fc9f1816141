/** `quantcache/ai-sdk`: a server of `quantcache serve` as a video model of the Vercel AI SDK 7 (`experimental_generateVideo`). */
export {
  createQuantCache,
  type QuantCacheServer,
  type VideoModel,
  type VideoModelCall,
  type VideoModelFile,
  type VideoModelResult,
} from '../clients/ai-sdk.ts';
