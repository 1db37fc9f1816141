/** `quantcache/verification`: comparison with tensors of the original code. */
export { verifiers } from '../models/index.ts';
export type { Comparison, ReferenceCase, Verifier } from '../verification/case.ts';
export { defaultTolerance, type VerificationResult, verifyFolder } from '../verification/verify.ts';
