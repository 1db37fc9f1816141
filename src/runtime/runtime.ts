/**
 * What the engine needs of an execution backend: compile a graph, run it, move numbers in and out. `node.ts` and `web.ts`
 * are the two implementations and the only files that import ONNX Runtime.
 *
 * Ownership: whoever asked for a tensor disposes of it. On the CPU `dispose` is free and forgetting it costs nothing but
 * garbage collection; on a GPU a forgotten tensor is lost memory.
 */
import type { Model } from '../onnx/graph.ts';

/** Where graphs run. */
export type Backend = 'cpu' | 'webgpu' | 'cuda';
/** The element types that cross the border between TypeScript and a graph. */
export type TensorData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array;

/** A tensor on the backend's device. Read it with `Runtime.read`. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly type: string;
  dispose(): void;
}

/** A compiled graph. */
export interface Session {
  /** Runs the graph. All of its outputs are computed and returned. */
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/** How `attention` is best written for sequences of a given length on a backend. */
export type AttentionKernel = 'flash' | 'standard' | 'plain';

/** `exact`, or `saturates` for large unsigned activations times large signed weights. */
export type IntegerProducts = 'exact' | 'saturates';

/** A compilation choice that outweighs the default. */
export interface CompileOptions {
  /** Lay weights out anew for speed, which costs a copy of them; integer kernels gain from it, float kernels do not. */
  prepack?: boolean;
  /**
   * Let idle threads wait actively for the next operator instead of being woken for it. Right for a graph of many operators
   * that runs alone, such as a whole step or a decoder; where many small graphs take turns, their threads get in each
   * other's way.
   */
  spinning?: boolean;
}

export interface Runtime extends AsyncDisposable {
  readonly backend: Backend;
  /** A sentence for reports: library version, device, the path that integers take. */
  readonly description: string;
  /** How products of unsigned activations and signed weights come out; where they saturate, weights must be unsigned. */
  readonly integerProducts: IntegerProducts;
  compile(model: Model, options?: CompileOptions): Promise<Session>;
  /** Puts numbers on the device. */
  tensor(data: TensorData, dims: readonly number[]): Tensor;
  /** Fetches numbers from the device. The result may share memory with the tensor. */
  read(tensor: Tensor): Promise<Float32Array>;
  /** The kernel to write attention with where so many scores are computed at a time: groups, heads, queries and keys. */
  attentionKernel(scores: number): AttentionKernel;
}
