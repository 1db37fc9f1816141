/**
 * ONNX Runtime in browsers: WebGPU, and WebAssembly as `cpu`. Weights are fetched by URL, one byte range per tensor.
 *
 * Invariant: WebGPU work of a page goes through one queue, because concurrent runs hang; intermediate tensors stay on the
 * device until they are read. `onnxruntime-web/webgpu` is imported because the default build lacks integer kernels.
 */

import * as ort from 'onnxruntime-web/webgpu';
import { messageOf, QuantCacheError } from '../errors.ts';
import { Graph, type Model } from '../onnx/graph.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import { checked } from './feeds.ts';
import { describeProducts, tryIntegerProducts } from './products.ts';
import { type Queue, serialQueue } from './queue.ts';
import { fetchWeights } from './ranges.ts';
import type { Backend, CompileOptions, IntegerProducts, Runtime, Session, Tensor, TensorData } from './runtime.ts';

export interface RuntimeOptions {
  /** `cpu` is WebAssembly, the default. */
  backend?: Backend;
  /** WebAssembly threads, fixed by the page's first session; more than one needs a cross-origin isolated page. */
  threads?: number;
  /** How integers are multiplied; by default what a self-test finds. */
  integerProducts?: IntegerProducts;
  /** What fetches weights; the page's own `fetch` by default. */
  fetch?: typeof fetch;
}

/** The page's one queue for WebGPU; it belongs to the device, of which a page has one. */
const deviceQueue = serialQueue();
const unqueued: Queue = (task) => task();

const optionNames: OptionNames<RuntimeOptions> = { backend: true, threads: true, integerProducts: true, fetch: true };

/** Starts a backend. Throws `backend_unavailable` where it cannot run. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  checkOptionNames(options, optionNames, 'createRuntime()');
  const backend = options.backend ?? 'cpu';
  if (backend === 'cuda') throw new QuantCacheError('backend_unavailable', 'A browser has no CUDA. Use webgpu or cpu.');
  if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
  const device = webDevice(backend, options.fetch ?? fetch);
  try {
    await readThrough(device);
    if (backend !== 'cpu') return { ...device, integerProducts: 'exact' };
    const products = options.integerProducts ?? (await tryIntegerProducts(device));
    return {
      ...device,
      integerProducts: products,
      description: `${device.description}, ${describeProducts(products)}`,
    };
  } catch (error) {
    const message = `The ${backend} backend does not start in this browser: ${messageOf(error)}`;
    throw new QuantCacheError('backend_unavailable', message, { cause: error });
  }
}

/** A backend before anything was tried on it. */
type Device = Omit<Runtime, 'integerProducts'>;

function webDevice(backend: 'cpu' | 'webgpu', fetchFrom: typeof fetch): Device {
  const onDevice = backend === 'webgpu';
  const queue = onDevice ? deviceQueue : unqueued;
  return {
    backend,
    description: `onnxruntime-web ${ort.env.versions.web}, ${onDevice ? 'WebGPU' : 'WebAssembly'}`,
    async compile(model, options) {
      const { bytes, externalData } = await fetchWeights(model, fetchFrom);
      const session = await queue(() => open(model, bytes, { ...sessionOptions(onDevice, options), externalData }));
      return checked(model, wrap(session, queue));
    },
    tensor: toTensor,
    read: (tensor) => queue(() => (tensor as ort.Tensor).getData()) as Promise<Float32Array>,
    attentionKernel: () => (onDevice ? 'plain' : 'flash'),
    async [Symbol.asyncDispose]() {},
  };
}

/** One value in, the same value out: proof that a backend works. */
async function readThrough(runtime: Device): Promise<void> {
  const graph = new Graph('identity');
  graph.output('y', graph.input('x'));
  const session = await runtime.compile(graph.build());
  const { y } = await session.run({ x: runtime.tensor(Float32Array.of(1), [1]) });
  await runtime.read(y!);
  y!.dispose();
  await session.dispose();
}

async function open(
  model: Model,
  bytes: Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, options);
  } catch (error) {
    const message = `ONNX Runtime refused the graph "${model.name}": ${messageOf(error)}`;
    throw new QuantCacheError('backend_unavailable', message, { cause: error });
  }
}

function sessionOptions(onDevice: boolean, options: CompileOptions = {}): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [onDevice ? 'webgpu' : 'wasm'],
    preferredOutputLocation: onDevice ? 'gpu-buffer' : 'cpu',
    enableCpuMemArena: false,
    logSeverityLevel: 4,
    extra: { session: { disable_prepacking: options.prepack ? '0' : '1' } },
  };
}

function wrap(session: ort.InferenceSession, queue: Queue): Session {
  return {
    run: (feeds) => queue(() => session.run(feeds as Record<string, ort.Tensor>)) as Promise<Record<string, Tensor>>,
    dispose: () => queue(() => session.release()),
  };
}

function toTensor(data: TensorData, dims: readonly number[]): Tensor {
  if (data instanceof Uint16Array) return new ort.Tensor('float16', data, dims) as Tensor;
  return new ort.Tensor(data as Float32Array, dims) as Tensor;
}
