/** The browser's runtime in Node: WebAssembly, with weights fetched in ranges from a web server. WebGPU needs a browser. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as ort from 'onnxruntime-web/webgpu';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSame, randomTensors, runOnce, scopeOf, temporaryFolder, writeWeights } from '../../test/layers.ts';
import { attention } from '../nn/attention.ts';
import { linearFp32 } from '../nn/linear.ts';
import * as reference from '../nn/reference.ts';
import { type Weights, weightsOf } from '../weights/checkpoint.ts';
import type { Runtime } from './runtime.ts';
import { createRuntime } from './web.ts';

const folder = temporaryFolder();
const random = randomTensors(20);
const [x, weight, bias] = [random([6, 20]), random([12, 20]), random([12])];
const served: string[] = [];
let server: Server;
let local: Weights;
let runtime: Runtime;

/** The same weights, found at a URL. */
function at(path: string): Weights {
  const { port } = server.address() as AddressInfo;
  return weightsOf(local.names().map((name) => ({ ...local.get(name), file: `http://localhost:${port}${path}` })));
}

beforeAll(async () => {
  local = await writeWeights(folder, { 'fc.weight': weight, 'fc.bias': bias, unused: random([64, 64]) });
  const { file } = local.get('fc.weight');
  server = createServer(async (request, response) => {
    if (request.url !== '/model.safetensors')
      return void response.writeHead(request.url === '/whole' ? 200 : 404).end();
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!.map(Number) as [number, number, number];
    served.push(request.headers.range!);
    const handle = await open(file);
    const { buffer } = await handle.read(Buffer.alloc(last - first + 1), 0, last - first + 1, first);
    await handle.close();
    response.writeHead(206).end(buffer);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  // In a page ONNX Runtime fetches its own binary; Node's fetch does not read files.
  const binary = new URL(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm'));
  ort.env.wasm.wasmBinary = new Uint8Array(readFileSync(binary));
  runtime = await createRuntime({ backend: 'cpu', threads: 1 });
}, 120_000); // compiling 27 MB of WebAssembly takes seconds, more on a busy machine
afterAll(() => {
  server.close();
});

/** A linear map with weights of a checkpoint. */
function linearGraph(weights: Weights) {
  const scope = scopeOf(weights);
  scope.graph.output('y', linearFp32(scope, scope.graph.input('x', ['rows', 20]), 'fc'));
  return scope.graph;
}

test('computes with weights by URL, and fetches no byte of others', async () => {
  expectSame(await runOnce(runtime, linearGraph(at('/model.safetensors')), { x }), reference.linear(x, weight, bias));
  const ranges = ['fc.weight', 'fc.bias'].map((name) => {
    const { offset, length } = local.get(name);
    return `bytes=${offset}-${offset + length - 1}`;
  });
  expect(served.sort()).toEqual(ranges.sort());
});

test('runs attention in the kernel that it names', async () => {
  const [q, k, v] = [random([2, 5, 8]), random([2, 7, 8]), random([2, 7, 8])];
  const { graph } = scopeOf();
  const [a, b, c] = ['q', 'k', 'v'].map((name) => graph.input(name));
  graph.output('y', attention(graph, a!, b!, c!, { heads: 2, headSize: 4, kernel: runtime.attentionKernel(5) }));
  expectSame(await runOnce(runtime, graph, { q, k, v }), reference.attention(q, k, v, { heads: 2 }));
});

test.each([
  ['/nowhere', /status 404/],
  ['/whole', /range requests/],
])('%s is an error that says why', async (path, message) => {
  const running = runtime.compile(linearGraph(at(path)).build());
  await expect(running).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(message) });
});

test('CUDA is refused', async () => {
  await expect(createRuntime({ backend: 'cuda' })).rejects.toMatchObject({ code: 'backend_unavailable' });
});
