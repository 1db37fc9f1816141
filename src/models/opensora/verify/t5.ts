/** Verifies `t5_encoder` cases: distance classes, the hidden state after each block, and the final states. */
import type { Runtime } from '../../../runtime/runtime.ts';
import { type Comparison, configured, type ReferenceCase } from '../../../verification/case.ts';
import { bucketTable } from '../t5/buckets.ts';
import { parseT5Config } from '../t5/config.ts';
import { loadTextEncoder } from '../t5/index.ts';
import { rowsOf } from './stdit3.ts';

/** Compares every known tensor of one batch, padding included. */
export async function* verifyTextEncoder(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const config = parseT5Config(reference.parse(configured).config);
  const encoder = loadTextEncoder(runtime, reference.weights, config);
  const tokens = {
    ids: rowsOf(await reference.read('inputs/input_ids')),
    mask: rowsOf(await reference.read('inputs/attention_mask')),
  };
  const known = new Map<string, ArrayLike<number>>();
  const { states } = await encoder.encode(tokens, {
    fullLength: true,
    async onBlock(done, _total, [hidden]) {
      known.set(`inter/hidden_after_block${done - 1}`, (await runtime.read(hidden!)).slice());
    },
  });
  known.set('outputs/last_hidden_state', states);
  const length = tokens.ids[0]!.length;
  const buckets = Array.from(bucketTable(length, config), Number);
  known.set('inter/relative_bucket_row0', buckets.slice(0, length));
  known.set('inter/relative_bucket_rowlast', buckets.slice(-length));

  for (const name of [...reference.names('inter/'), ...reference.names('outputs/')]) {
    yield { tensor: name, expected: (await reference.read(name)).data, actual: known.get(name) };
  }
}
