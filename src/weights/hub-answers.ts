/**
 * What a hub or mirror answers, checked before anything is made of it: hashes and commits that come from outside become
 * paths of the cache. Files whose names lead elsewhere are passed over (`files/names.ts`).
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { issuesOf } from '../refusals.ts';

const commit = z.string().regex(/^[0-9a-f]{40}$/, 'needed is a commit hash of 40 hexadecimal digits');
const gitHash = z.string().regex(/^[0-9a-f]{40}$/, 'needed is a hash of 40 hexadecimal digits');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'needed is a hash of 64 hexadecimal digits');
const size = z.number().nonnegative();

const revisionSchema = z.looseObject({ sha: commit });
const listingSchema = z.array(
  z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('directory') }),
    z.looseObject({
      type: z.literal('file'),
      path: z.string(),
      size,
      oid: gitHash,
      lfs: z.looseObject({ oid: sha256, size }).nullish(),
    }),
  ]),
);

/** A successful answer again, if it is one that a hub gives to this request. Throws `network` that says what came back instead. */
export async function checkAnswer(url: string, response: Response): Promise<Response> {
  const text = await response.text();
  const refuse = (what: string, cause?: unknown) =>
    new QuantCacheError(
      'network',
      `${new URL(url).origin} does not answer as a hub: ${what}. Sign in to the network if it asks for that, or correct HF_ENDPOINT.`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const type = response.headers.get('Content-Type') ?? 'no type';
    throw refuse(`its listing is no JSON but ${type}, ${JSON.stringify(text.slice(0, 60))}`, error);
  }
  const schema = new URL(url).pathname.includes('/tree/') ? listingSchema : revisionSchema;
  const result = schema.safeParse(value);
  if (!result.success) throw refuse(`its listing is wrong (${issuesOf(result.error)})`, result.error);
  return new Response(text, { status: response.status, headers: Object.fromEntries(response.headers) });
}
