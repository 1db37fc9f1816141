/** The index of a sharded checkpoint (`*.safetensors.index.json`): in which file each tensor lies. */
import * as z from 'zod';
import { readJson } from '../files/json.ts';

const purpose = { what: 'an index of shards', todo: 'Copy or download it again.' };
const schema = z.looseObject({
  weight_map: z
    .unknown()
    .refine(isShardMap, { error: 'needed is an object of tensor names and .safetensors files that lie beside it' })
    .transform((map) => new Map(Object.entries(map as Record<string, string>))),
});

function isShardMap(map: unknown): boolean {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return false;
  const shards = Object.values(map);
  const isName = (shard: unknown) =>
    typeof shard === 'string' && shard.endsWith('.safetensors') && !/[\\/]/.test(shard);
  return shards.length > 0 && shards.every(isName);
}

/** Tensor name to shard name, from an index file. */
export async function readIndex(index: string): Promise<Map<string, string>> {
  return (await readJson(index, schema, purpose)).weight_map;
}
