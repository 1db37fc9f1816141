/**
 * What a run remembers from one step to the next, all in one place: so that it can be saved between two steps, whatever the
 * policy and the sampler, and a later run goes on from it as if nothing had happened.
 *
 * Whoever remembers something asks for it here, by a name of its own, and gets what it had before where the run goes on.
 * What is kept elsewhere is lost then; that is right only for what lasts no longer than a step.
 *
 * Invariant: what nobody has asked for yet is saved again as it is.
 */
import { QuantCacheError } from './errors.ts';
import type { Runtime, Tensor } from './runtime/runtime.ts';
import { type TensorStore, tensorStore } from './runtime/tensorstore.ts';

export interface RunState {
  /**
   * Something that changes in place: `initial`, or what it was when the run was saved. It may be made of objects, arrays,
   * typed arrays, maps and sets of strings, numbers and booleans.
   */
  data<Data extends object>(name: string, initial: Data): Data;
  /** Tensors: none, or those that were kept when the run was saved. */
  tensors(name: string): TensorStore;
  /** A part with names of its own. */
  part(name: string): RunState;
  /** Everything, in the memory that it lies in: use it before the run goes on. */
  save(runtime: Pick<Runtime, 'read'>): Promise<SavedState>;
  /** Forgets everything; names may be used anew. */
  dispose(): void;
}

/** A saved state, by names with slashes between those of parts. */
export interface SavedState {
  readonly data: ReadonlyMap<string, object>;
  /** One kept under two keys is one object. */
  readonly tensors: ReadonlyMap<string, ReadonlyMap<string, SavedTensor>>;
}

export interface SavedTensor {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** The state of a run that begins, or of one that goes on from what was saved. */
export function createRunState(from?: { readonly saved: SavedState; readonly runtime: Runtime }): RunState {
  if (!from) return partOf({ data: shelf(), stores: shelf() }, '');
  const { saved, runtime } = from;
  const restored = new Map<SavedTensor, Tensor>();
  const storeOf = (tensors: ReadonlyMap<string, SavedTensor>): TensorStore => {
    const store = tensorStore();
    for (const [key, tensor] of tensors) {
      const known = restored.get(tensor);
      if (known) store.keep(key, known);
      else store.own(key, runtime.tensor(tensor.values, tensor.dims));
      restored.set(tensor, store.get(key)!);
    }
    return store;
  };
  const stores = [...saved.tensors].map(([name, tensors]) => [name, storeOf(tensors)] as const);
  return partOf({ data: shelf(saved.data), stores: shelf(stores) }, '');
}

/** What is remembered, by full name. */
interface Shelf<Kept> {
  readonly kept: Map<string, Kept>;
  /** Names of what was saved and nobody has asked for yet. */
  readonly waiting: Set<string>;
}

function shelf<Kept>(saved: Iterable<readonly [string, Kept]> = []): Shelf<Kept> {
  const kept = new Map(saved);
  return { kept, waiting: new Set(kept.keys()) };
}

/** What was saved under a name, or something new. Throws `invalid_option` where the name is taken. */
function claim<Kept>({ kept, waiting }: Shelf<Kept>, name: string, create: () => Kept): Kept {
  if (kept.has(name) && !waiting.delete(name))
    throw new QuantCacheError(
      'invalid_option',
      `Two parts of a run remember something as "${name}". Give one of them another name.`,
    );
  const found = kept.get(name) ?? create();
  kept.set(name, found);
  return found;
}

interface Shelves {
  readonly data: Shelf<object>;
  readonly stores: Shelf<TensorStore>;
}

function partOf({ data, stores }: Shelves, prefix: string): RunState {
  const own = <Kept>({ kept }: Shelf<Kept>) => [...kept].filter(([name]) => name.startsWith(prefix));
  const forget = <Kept>(shelf: Shelf<Kept>) => {
    for (const [name] of own(shelf)) {
      shelf.kept.delete(name);
      shelf.waiting.delete(name);
    }
  };
  return {
    data: <Data extends object>(name: string, initial: Data) => claim(data, prefix + name, () => initial) as Data,
    tensors: (name) => claim(stores, prefix + name, tensorStore),
    part: (name) => partOf({ data, stores }, `${prefix}${name}/`),
    async save(runtime) {
      const read = new Map<Tensor, SavedTensor>();
      const tensors = new Map<string, Map<string, SavedTensor>>();
      for (const [name, store] of own(stores)) {
        const entries = new Map<string, SavedTensor>();
        for (const [key, tensor] of store.entries()) {
          const saved = read.get(tensor) ?? { dims: tensor.dims, values: await runtime.read(tensor) };
          read.set(tensor, saved);
          entries.set(key, saved);
        }
        tensors.set(name, entries);
      }
      return { data: new Map(own(data)), tensors };
    },
    dispose() {
      for (const [, store] of own(stores)) store.dispose();
      forget(stores);
      forget(data);
    },
  };
}
