/**
 * ONNX Runtime in Node: CPU, and WebGPU through the same package.
 *
 * Settings that matter, all measured: sessions must not keep arenas, and threads must not spin but in sessions that run
 * alone for long, because a model is many small sessions; prepacking stays off so that weights are mapped from the
 * checkpoint and not copied per session. On WebGPU, runs are queued (concurrent ones hang), intermediate tensors stay on the device, and reading goes through an
 * Identity session because `getData()` aborts the process.
 */

import { availableParallelism } from 'node:os';
import { parse } from 'node:path';
import * as ort from 'onnxruntime-node';
import { readIntegerProducts } from '../environment.ts';
import { messageOf, QuantCacheError } from '../errors.ts';
import { Graph, type Model } from '../onnx/graph.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import { allocationError } from './allocation.ts';
import { checked } from './feeds.ts';
import { checkThreads, threadBudget, threadsOf } from './limits.ts';
import { bufferPool } from './pool.ts';
import { describeProducts, tryIntegerProducts } from './products.ts';
import { type Queue, serialQueue } from './queue.ts';
import type {
  AttentionKernel,
  Backend,
  CompileOptions,
  IntegerProducts,
  Runtime,
  Session,
  Tensor,
  TensorData,
} from './runtime.ts';
import { startFailure } from './startfailure.ts';
import { type ThreadPool, threadPool } from './threads.ts';

// What goes wrong is thrown, and said by us; the library's own lines on stderr are not for people.
ort.env.logLevel = 'fatal';

export interface RuntimeOptions {
  backend?: Backend;
  /** CPU threads; all cores by default, at most 32. The same bytes come out only for the same number of threads. */
  threads?: number;
  /** How the processor multiplies integers; by default what a self-test finds. `QUANTCACHE_INTEGER_PRODUCTS` says it, too. */
  integerProducts?: IntegerProducts;
}

// ONNX Runtime would keep a device id and a database in the user's cache and send reports: read when its first session is made.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** Bytes of weights below which a session is one of many small ones, for which a few threads are enough. */
const smallWeights = 2_500_000;

/** Flash attention needs no memory for the scores; up to this many, 16 MB, the standard operator is faster. */
const mostScores = 2 ** 22;

const optionNames: OptionNames<RuntimeOptions> = { backend: true, threads: true, integerProducts: true };

/** Starts a backend. Throws `backend_unavailable` where it cannot run. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  checkOptionNames(options, optionNames, 'createRuntime()');
  const backend = options.backend ?? 'cpu';
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1)
    throw new QuantCacheError('invalid_option', `${threads} threads were asked for; use a whole number from 1 up.`);
  checkThreads(threadsOf(threads, 'large'), sharedThreads().budget);
  const device = backend === 'cpu' ? cpuDevice(threads) : gpuDevice(backend);
  try {
    await readThrough(device);
    if (backend !== 'cpu') return { ...device, integerProducts: 'exact' };
    keptFreedMemory ??= keepFreedMemory(device);
    await keptFreedMemory;
    triedProducts ??= tryIntegerProducts(device);
    const products = options.integerProducts ?? readIntegerProducts() ?? (await triedProducts);
    return {
      ...device,
      integerProducts: products,
      description: `${device.description}, ${describeProducts(products)}`,
    };
  } catch (error) {
    if (error instanceof QuantCacheError && error.code === 'invalid_option') throw error;
    throw new QuantCacheError(
      'backend_unavailable',
      `The ${backend} backend does not start here: ${startFailure(error)}. Use --device cpu.`,
      {
        cause: error,
      },
    );
  }
}

/** Tried once, as it holds for the whole process. */
let triedProducts: Promise<IntegerProducts> | undefined;

/** A backend before anything was tried on it. */
type Device = Omit<Runtime, 'integerProducts'>;

/** The threads of all runtimes of the process, counted before the first session starts any. */
const sharedThreads = (): { readonly budget: number; readonly pool: ThreadPool<ort.InferenceSession> } => {
  if (!shared) {
    const budget = threadBudget();
    shared = { budget, pool: threadPool(budget) };
  }
  return shared;
};
let shared: ReturnType<typeof sharedThreads> | undefined;

function cpuDevice(asked: number): Device {
  const memory = tensorMemory();
  const threads = threadsOf(asked, 'large');
  return {
    backend: 'cpu',
    description: `onnxruntime-node ${ort.env.versions.node}, CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    async compile(model, options) {
      const small = !options?.spinning && (model.weightBytes ?? smallWeights) < smallWeights;
      const own = threadsOf(threads, small ? 'small' : 'large');
      const settings = { ...sessionOptions(model, own, options), executionProviders: ['cpu'] };
      const session = await sharedThreads().pool.add(own, () => open(model, settings));
      const run = memory.runner((feeds, outputs) =>
        session.use((opened) => (outputs ? opened.run(feeds, outputs) : opened.run(feeds))),
      );
      return checked(model, { run, dispose: session.dispose });
    },
    tensor: toTensor,
    async read(tensor) {
      memory.keep(tensor);
      return (tensor as ort.Tensor).data as Float32Array;
    },
    attentionKernel: (scores) => (scores <= mostScores ? 'standard' : 'flash'),
    async [Symbol.asyncDispose]() {},
  };
}

function gpuDevice(backend: Backend): Device {
  const queue = serialQueue();
  let reader: Promise<ort.InferenceSession> | undefined;
  const compileWith = (model: Model, location: 'cpu' | 'gpu-buffer', options?: CompileOptions) =>
    queue(() =>
      open(model, {
        ...sessionOptions(model, 1, options),
        executionProviders: [backend],
        preferredOutputLocation: location,
      }),
    );
  return {
    backend,
    description: `onnxruntime-node ${ort.env.versions.node}, ${backend}`,
    async compile(model, options) {
      return checked(model, wrap(await compileWith(model, 'gpu-buffer', options), queue));
    },
    tensor: toTensor,
    async read(tensor) {
      if ((tensor as ort.Tensor).location === 'cpu') return (tensor as ort.Tensor).data as Float32Array;
      reader ??= compileWith(identityGraph(), 'cpu');
      const session = await reader;
      const { y } = await queue(() => session.run({ x: tensor as ort.Tensor }));
      return y!.data as Float32Array;
    },
    attentionKernel: (): AttentionKernel => 'plain',
    async [Symbol.asyncDispose]() {
      await (await reader)?.release();
    },
  };
}

/** One value in, the same value out: proof that a backend works. */
async function readThrough(runtime: Device): Promise<void> {
  const session = await runtime.compile(identityGraph());
  const { y } = await session.run({ x: runtime.tensor(Float32Array.of(1), [1]) });
  await runtime.read(y!);
  y!.dispose();
  await session.dispose();
}

/** Done once, as it holds for the whole process. */
let keptFreedMemory: Promise<void> | undefined;

/** Just below 32 MiB, the most that the threshold follows. */
const largestBlock = 2 ** 25 - 2 ** 16;

/**
 * Makes and frees one large tensor. From then on glibc keeps up to twice its size of freed memory instead of giving it
 * back after every operator: a page that comes back costs a microsecond, and a module of a large model has 20,000.
 * Reference: mallopt(3), "dynamic mmap threshold". Elsewhere it changes nothing.
 */
async function keepFreedMemory(runtime: Device): Promise<void> {
  const graph = new Graph('block');
  const { op } = graph;
  const block = op.Expand(graph.input('x', [1]), [largestBlock / Float32Array.BYTES_PER_ELEMENT]);
  graph.output('y', op.Slice(block, [0], [1], [0]));
  const session = await runtime.compile(graph.build());
  const { y } = await session.run({ x: runtime.tensor(Float32Array.of(1), [1]) });
  y!.dispose();
  await session.dispose();
}

function identityGraph(): Model {
  const graph = new Graph('identity');
  graph.output('y', graph.input('x'));
  return graph.build();
}

async function open(model: Model, options: ort.InferenceSession.SessionOptions): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model.bytes, options);
  } catch (thrown) {
    const error = allocationError(thrown);
    if (error instanceof QuantCacheError) throw error;
    throw new QuantCacheError(
      'backend_unavailable',
      `ONNX Runtime refused the graph "${model.name}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function sessionOptions(
  model: Model,
  threads: number,
  options: CompileOptions = {},
): ort.InferenceSession.SessionOptions {
  const root = model.files[0] === undefined ? '/' : parse(model.files[0]).root;
  return {
    enableCpuMemArena: false,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: {
      session: {
        intra_op: { allow_spinning: options.spinning ? '1' : '0' },
        force_spinning_stop: '1',
        disable_prepacking: options.prepack ? '0' : '1',
        model_external_initializers_file_folder_path: root,
      },
    },
  };
}

type Tensors = Record<string, ort.Tensor>;

/** Runs sessions so that their outputs take the memory of disposed tensors, once the sizes of the outputs are known. */
function tensorMemory() {
  const pool = bufferPool();
  /** Tensors whose numbers were read: somebody may still look at them, so their memory is not used again. */
  const read = new WeakSet<Tensor>();

  function take(dims: readonly number[]): ort.Tensor {
    const elements = dims.reduce((product, size) => product * size, 1);
    const buffer = pool.take(elements * Float32Array.BYTES_PER_ELEMENT);
    const tensor = new ort.Tensor('float32', new Float32Array(buffer, 0, elements), dims);
    let disposed = false;
    const dispose = () => {
      if (!disposed && !read.has(tensor)) pool.give(buffer);
      disposed = true;
    };
    return Object.assign(tensor, { dispose });
  }

  return {
    keep: (tensor: Tensor) => read.add(tensor),
    runner(run: (feeds: Tensors, outputs?: Tensors) => Promise<Tensors>): Session['run'] {
      const shapes = new Map<string, [string, readonly number[]][]>();
      return async (feeds) => {
        const sizes = Object.entries(feeds).map(([name, { dims }]) => `${name} ${dims}`);
        const known = shapes.get(sizes.join());
        if (known) {
          const outputs = Object.fromEntries(known.map(([name, dims]) => [name, take(dims)]));
          await run(feeds as Tensors, outputs);
          return outputs;
        }
        const outputs = await run(feeds as Tensors);
        const entries = Object.entries(outputs);
        if (entries.every(([, { type }]) => type === 'float32')) {
          shapes.set(
            sizes.join(),
            entries.map(([name, { dims }]) => [name, dims]),
          );
        }
        return outputs;
      };
    },
  };
}

function wrap(session: ort.InferenceSession, queue: Queue = (task) => task()): Session {
  return {
    run: async (feeds) =>
      queue(() => session.run(feeds as Record<string, ort.Tensor>)) as Promise<Record<string, Tensor>>,
    dispose: () => queue(() => session.release()),
  };
}

function toTensor(data: TensorData, dims: readonly number[]): Tensor {
  if (data instanceof Uint16Array) return new ort.Tensor('float16', data, dims) as Tensor;
  return new ort.Tensor(data as Float32Array, dims) as Tensor;
}
