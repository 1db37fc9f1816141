/** `quantcache/policies`: what a policy is made of, for those that are not in the registry. */
export { type Level, modulesIn, type Node, nodesOf, type Role, treeOf } from '../model.ts';
export { type PolicyEntry, policyEntry } from '../policies/index.ts';
export {
  type Action,
  compute,
  type Leap,
  type Policy,
  predict,
  type Run,
  type RunContext,
  reuse,
  type Site,
  type StepOutcome,
  skip,
  stack,
} from '../policy.ts';
export type { Arithmetic, Term } from '../runtime/arithmetic.ts';
export { release, retain } from '../runtime/sharing.ts';
export { type TensorStore, tensorStore } from '../runtime/tensorstore.ts';
export type { RunState } from '../state.ts';
