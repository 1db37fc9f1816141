/** Support for tests of verifiers: the tensors of those cases of a folder that the given ones can compute. */
import type { Runtime } from '../runtime/runtime.ts';
import { openCases, type Verifier } from './case.ts';
import { type TensorResult, verifyCase } from './verify.ts';

export async function verifyKinds(
  runtime: Runtime,
  folder: string,
  verifiers: Readonly<Record<string, Verifier>>,
): Promise<TensorResult[]> {
  const results: TensorResult[] = [];
  for (const reference of await openCases(folder)) {
    if (!(reference.kind in verifiers)) continue;
    for await (const result of verifyCase(runtime, reference, { verifiers })) results.push(result);
  }
  return results;
}
