/**
 * Parts of `quantcache`: each decides about one thing, usable alone or together over one memory, so that what one of them
 * measured the others know, and no residual is kept or compared twice.
 */
import { innermost, type Level, type Node, nodesOf } from '../../model.ts';
import { type Policy, type Run, type RunContext, stack } from '../../policy.ts';
import { createMemory, type Memory } from './memory.ts';

export interface Part {
  readonly name: string;
  /** How many residuals of a node the part needs to be remembered. */
  depth(node: Node, context: RunContext): number;
  begin(context: RunContext, memory: Memory): Run;
}

/** Bytes in the unit that options give memory in. */
const megabyte = 2 ** 20;

/** The parts as one policy, asked in the order given, over one memory of at most `cacheMemory` megabytes. */
export function joined(name: string, cacheMemory: number, ...parts: readonly Part[]): Policy {
  return {
    name,
    apart: true,
    begin(context) {
      const depth = (node: Node) => Math.max(0, ...parts.map((part) => part.depth(node, context)));
      const memory = createMemory(context, { depth, limit: cacheMemory * megabyte });
      const remembered = [...nodesOf(context.tree)].filter((node) => depth(node) > 0).map(({ level }) => level);
      const runs = [
        remembering(memory, innermost(remembered)),
        ...parts.map((part) => part.begin({ ...context, state: context.state.part(part.name) }, memory)),
      ];
      return stack(name, ...runs.map((run): Policy => ({ name, begin: () => run }))).begin(context);
    },
  };
}

/** The memory as a run that has no opinions. It comes first, so that the parts see what was just computed. */
function remembering(memory: Memory, finest: Level): Run {
  return {
    finest,
    decide({ hidden }) {
      memory.size(hidden);
      return undefined;
    },
    wants: memory.wants,
    observe: memory.observe,
    heldBytes: memory.heldBytes,
    dispose: memory.dispose,
  };
}
