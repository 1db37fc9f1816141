/** Memory that ran out, as an error that people can act on: libraries say it in words of their own. */
import { messageOf, QuantCacheError } from '../errors.ts';

/** As said by C++, ONNX Runtime and V8. */
const words = /bad_alloc|failed to allocate memory|array buffer allocation failed|out of memory/i;

/** The error `out_of_memory` where that is what was thrown; anything else as it is. */
export function allocationError(error: unknown): unknown {
  if (error instanceof QuantCacheError || !words.test(messageOf(error))) return error;
  return new QuantCacheError(
    'out_of_memory',
    'Memory ran out. Ask for a smaller size, fewer frames or fewer prompts at a time, or let the process use more (container, ulimit).',
    { cause: error },
  );
}
