/**
 * Weights for a graph where there is no file system: the byte ranges that its initializers name are fetched, and the graph
 * is made to point at them. Files are named by absolute URL.
 *
 * Invariant: nothing but those ranges is fetched, so that one block of a large checkpoint costs the bytes of one block.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { messageOf, QuantCacheError } from '../errors.ts';
import type { Model } from '../onnx/graph.ts';

/** A graph whose external data is at hand, as ONNX Runtime Web takes it. */
export interface FetchedModel {
  readonly bytes: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Fetches the weights of a graph. */
export async function fetchWeights(model: Model, fetchFrom: typeof fetch = fetch): Promise<FetchedModel> {
  if (model.files.length === 0) return { bytes: model.bytes, externalData: [] };
  const parsed = fromBinary(onnx.ModelProtoSchema, model.bytes);
  const external = parsed.graph!.initializer.filter((tensor) => tensor.externalData.length > 0);
  const externalData = await Promise.all(
    external.map(async ({ externalData: entries }, index) => {
      const entry = (key: string) => entries.find((candidate) => candidate.key === key)!;
      const range = { offset: Number(entry('offset').value), length: Number(entry('length').value) };
      const data = await fetchRange(entry('location').value, range, fetchFrom);
      const path = `weight-${index}`;
      entry('location').value = path;
      entry('offset').value = '0';
      return { path, data };
    }),
  );
  return { bytes: toBinary(onnx.ModelProtoSchema, parsed), externalData };
}

async function fetchRange(
  url: string,
  { offset, length }: { offset: number; length: number },
  fetchFrom: typeof fetch,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  try {
    const response = await fetchFrom(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } });
    if (response.status !== 206) {
      await response.body?.cancel();
      throw new Error(response.ok ? 'the server does not answer range requests' : `status ${response.status}`);
    }
    const data = new Uint8Array(await response.arrayBuffer());
    if (data.length !== length) throw new Error(`${data.length} of ${length} bytes came for offset ${offset}`);
    return data;
  } catch (error) {
    const message = `${url} could not be fetched in parts: ${messageOf(error)}. Check the address and the server.`;
    throw new QuantCacheError('network', message, { cause: error });
  }
}
