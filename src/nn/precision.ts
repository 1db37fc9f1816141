/** Which way of writing a linear layer each precision is. */
import { QuantCacheError } from '../errors.ts';
import type { Precision } from '../model.ts';
import { linearFp32 } from './linear.ts';
import type { LinearWriter } from './scope.ts';

const writers: Partial<Record<Precision, LinearWriter>> = { fp32: linearFp32 };

/** The writer of linear layers for a precision; `unsupported_precision` where there is none. */
export function linearWriterFor(precision: Precision): LinearWriter {
  const writer = writers[precision];
  if (writer) return writer;
  const known = Object.keys(writers).join(', ');
  throw new QuantCacheError(
    'unsupported_precision',
    `Precision ${precision} is not available; choose one of: ${known}.`,
  );
}
