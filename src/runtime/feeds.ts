/**
 * Tensors against what a graph declares of its inputs. ONNX Runtime plans memory by the names of dimensions: two inputs
 * that share one and differ in it make an error at best, and wrong numbers where sizes happen to fit.
 */
import { QuantCacheError } from '../errors.ts';
import type { Model } from '../onnx/graph.ts';
import { allocationError } from './allocation.ts';
import type { Session, Tensor } from './runtime.ts';

/** Throws where a tensor has another size than its input declares, by number or by a name that it shares with another. */
export function checkFeeds({ name: graph, inputs }: Model, feeds: Readonly<Record<string, Tensor>>): void {
  const sizes = new Map<string, { readonly size: number; readonly input: string }>();
  for (const { name, shape } of inputs ?? []) {
    const dims = feeds[name]?.dims;
    if (!shape || !dims) continue;
    if (dims.length !== shape.length)
      throw contradiction(graph, `${name} has ${dims.length} axes, not ${shape.length}`);
    for (const [axis, dimension] of shape.entries()) {
      const size = dims[axis]!;
      if (typeof dimension === 'number') {
        if (size !== dimension) throw contradiction(graph, `axis ${axis} of ${name} is ${size}, not ${dimension}`);
        continue;
      }
      const known = sizes.get(dimension);
      if (!known) sizes.set(dimension, { size, input: name });
      else if (known.size !== size) {
        const reason = `"${dimension}" is ${known.size} in ${known.input} and ${size} in ${name}`;
        throw contradiction(graph, reason);
      }
    }
  }
}

const contradiction = (graph: string, reason: string): QuantCacheError =>
  new QuantCacheError('backend_unavailable', `The graph "${graph}" got inputs that it does not declare: ${reason}.`);

/** A session of a graph that checks what it is given, and says where memory ran out. */
export const checked = (model: Model, session: Session): Session => ({
  ...session,
  run: async (feeds) => {
    checkFeeds(model, feeds);
    return session.run(feeds).catch((error: unknown) => {
      throw allocationError(error);
    });
  },
});
