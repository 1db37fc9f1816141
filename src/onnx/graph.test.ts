/** Graphs as bytes: they parse back, ONNX Runtime accepts them, and weights are read from where they lie. */
import { readFile } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomTensors, runOnce, temporaryFolder, writeCheckpoint } from '../../test/layers.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { toFloat32 } from '../weights/dtypes.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../weights/half.ts';
import { attributeOf, float } from './attributes.ts';
import { elementTypeCode, externalLocation, Graph } from './graph.ts';

let runtime: Runtime;
const folder = temporaryFolder();
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});

const random = randomTensors(1);
const parse = (graph: Graph) => fromBinary(onnx.ModelProtoSchema, graph.build().bytes);

test('operators that do not exist do not compile', () => {
  const { op, contrib } = new Graph('names');
  // @ts-expect-error: a misspelt name
  op.Sofmax;
  // @ts-expect-error: of the other domain
  contrib.Softmax;
  expect(op.Softmax).toBeTypeOf('function');
});

describe('the protobuf', () => {
  test('parses back with names, shapes, types and attributes', () => {
    const graph = new Graph('small', 21);
    const x = graph.input('x', ['rows', 3]);
    const [left, right] = graph.node('Split', [x], { axis: 1, num_outputs: 2 }, 2);
    graph.output('y', graph.op.Concat(left!, right!, { axis: -1 }));
    graph.output('shape', graph.op.Shape(x), 'int64');

    const model = parse(graph);
    expect(model.irVersion).toBe(10n);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 21n]]);
    expect(model.graph!.name).toBe('small');
    const input = model.graph!.input[0]!.type!.value;
    if (input.case !== 'tensorType') throw new Error('The input is no tensor.');
    expect(input.value.elemType).toBe(elementTypeCode('float32'));
    expect(input.value.shape!.dim.map((dimension) => dimension.value.value)).toEqual(['rows', 3n]);
    expect(model.graph!.node.map((node) => node.opType)).toEqual(['Split', 'Concat', 'Identity', 'Shape', 'Identity']);
    expect(model.graph!.output.map(({ name }) => name)).toEqual(['y', 'shape']);
    const split = model.graph!.node.find((node) => node.opType === 'Split')!;
    expect(split.output.length).toBe(2);
    expect(split.attribute.map(({ name, i }) => [name, i])).toEqual([
      ['axis', 1n],
      ['num_outputs', 2n],
    ]);
  });

  test('declares the domain of ONNX Runtime only where it is used', () => {
    const graph = new Graph('contrib');
    graph.output('y', graph.contrib.FastGelu(graph.input('x', [2])));
    expect(parse(graph).opsetImport.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
  });

  test('leaves out optional operands', () => {
    const graph = new Graph('optional');
    graph.op.Resize(graph.input('x', [1, 1, 2, 2]), undefined, graph.constant(Float32Array.of(1, 1, 2, 2)));
    expect(parse(graph).graph!.node[0]!.input[1]).toBe('');
  });

  test('equal graphs give equal bytes', () => {
    const write = () => {
      const graph = new Graph('same');
      graph.output('y', graph.op.Add(graph.input('x', [2]), graph.constant(1)));
      return graph.build().bytes;
    };
    expect(write()).toEqual(write());
  });
});

describe('attributes', () => {
  const types = onnx.AttributeProto_AttributeType;
  test.each([
    ['a whole number', 2, { type: types.INT, i: 2n }],
    ['a fraction', 0.5, { type: types.FLOAT, f: 0.5 }],
    ['a whole float', float(2), { type: types.FLOAT, f: 2 }],
    ['a list of whole numbers', [1, -2], { type: types.INTS, ints: [1n, -2n] }],
    ['a list with a fraction', [1, 0.5], { type: types.FLOATS, floats: [1, 0.5] }],
    ['an empty list', [], { type: types.INTS, ints: [] }],
    ['a word', 'tanh', { type: types.STRING, s: new TextEncoder().encode('tanh') }],
  ])('%s', (_, value, expected) => {
    expect(attributeOf('name', value)).toMatchObject({ name: 'name', ...expected });
  });
});

describe('ONNX Runtime', () => {
  test('runs nodes with several outputs, and keeps free dimensions free', async () => {
    const graph = new Graph('split');
    const [left, right] = graph.node('Split', [graph.input('x', ['rows', 4])], { axis: 1, num_outputs: 2 }, 2);
    graph.output('y', graph.op.Sub(left!, right!));
    const { data, shape } = await runOnce(runtime, graph, { x: { shape: [1, 4], data: Float32Array.of(5, 7, 1, 2) } });
    expect(shape).toEqual([1, 2]);
    expect([...data]).toEqual([4, 5]);
  });

  test('runs nodes whose optional operands are left out', async () => {
    const graph = new Graph('clip');
    graph.output('y', graph.op.Clip(graph.input('x'), undefined, graph.constant(1)));
    const { data } = await runOnce(runtime, graph, { x: { shape: [2], data: Float32Array.of(-3, 3) } });
    expect([...data]).toEqual([-3, 1]);
  });

  test('accepts inputs and outputs of other types', async () => {
    const graph = new Graph('gather');
    const table = graph.constant(Float32Array.of(10, 20, 30, 40), [2, 2]);
    graph.output('y', graph.op.Gather(table, graph.input('ids', ['n'], 'int64')));
    const { data } = await runOnce(runtime, graph, { ids: { shape: [1], data: BigInt64Array.of(1n) } });
    expect([...data]).toEqual([30, 40]);
  });

  test('refuses a graph with an error that names it', async () => {
    const graph = new Graph('wrong graph');
    graph.output('y', graph.op.Conv(graph.input('x')));
    await expect(runtime.compile(graph.build())).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('"wrong graph"'),
    });
  });
});

describe('weights', () => {
  test.each([
    ['F32', 1e-7],
    ['F16', 1e-3],
    ['BF16', 8e-3],
  ] as const)('%s are read as float32 at any byte offset', async (dtype, tolerance) => {
    const { data, shape } = random([3, 5]);
    const stored = dtype === 'F32' ? data : dtype === 'F16' ? float32ToFloat16(data) : float32ToBfloat16(data);
    const bytes = new Uint8Array(stored.buffer as ArrayBuffer);
    const packed = new Uint8Array(bytes.length + 7); // written as U8, so that the weight may begin at any byte of it
    for (let shift = 0; shift < 8; shift++) {
      packed.set(bytes, shift);
      const weights = await writeCheckpoint(folder, [
        { name: 'bytes', dtype: 'U8', shape: [packed.length], data: packed.slice() },
      ]);
      const whole = weights.get('bytes');
      const weight = { ...whole, dtype, shape: [...shape], offset: whole.offset + shift, length: bytes.length };
      const graph = new Graph('weight');
      graph.output('y', graph.op.Add(graph.input('x'), graph.weight(weight)));
      const { data: found } = await runOnce(runtime, graph, { x: { shape: [1], data: Float32Array.of(0) } });
      expect([...found]).toEqual([...toFloat32(bytes, dtype)]);
      expect(Math.max(...found.map((value, i) => Math.abs(value - data[i]!)))).toBeLessThan(tolerance);
    }
  });

  test('are external data: the graph holds a place, not numbers', async () => {
    const weights = await writeCheckpoint(folder, [
      { name: 'w', dtype: 'F32', shape: [512, 512], data: random([512, 512]).data },
    ]);
    const weight = weights.get('w');
    const graph = new Graph('external');
    graph.output('y', graph.op.MatMul(graph.input('x', ['n', 512]), graph.weight(weight)));
    const model = graph.build();
    expect(model.bytes.length).toBeLessThan(1000);
    expect(model.files).toEqual([weight.file]);
    const external = fromBinary(onnx.ModelProtoSchema, model.bytes).graph!.initializer[0]!.externalData;
    const place = Object.fromEntries(external.map(({ key, value }) => [key, value]));
    expect(place).toEqual({
      location: weight.file.slice(1),
      offset: String(weight.offset),
      length: String(weight.length),
    });
    const file = await readFile(weight.file);
    expect(file.length).toBe(weight.offset + weight.length);
  });

  test('may be seen in two shapes in one graph', async () => {
    const weights = await writeCheckpoint(folder, [
      { name: 'w', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    ]);
    const graph = new Graph('shapes');
    const flat = graph.weight(weights.get('w'), [4]);
    graph.output('y', graph.op.Concat(graph.op.Reshape(graph.weight(weights.get('w')), [4]), flat, { axis: 0 }));
    const { data } = await runOnce(runtime, graph);
    expect([...data]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect(() => graph.weight(weights.get('w'), [5])).toThrow(expect.objectContaining({ code: 'weights_mismatch' }));
  });

  test('of a type that ONNX Runtime cannot hold are refused by name', async () => {
    const weights = await writeCheckpoint(folder, [
      { name: 'block.w', dtype: 'F8_E4M3', shape: [4], data: new Uint8Array(4) },
    ]);
    const refused = expect.objectContaining({
      code: 'unsupported_format',
      message: expect.stringMatching(/block\.w.*F8_E4M3/),
    });
    expect(() => new Graph('dtype').weight(weights.get('block.w'))).toThrow(refused);
  });

  test('of the same name from another place are refused', async () => {
    const tensor = { name: 'w', dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) };
    const [first, second] = [await writeCheckpoint(folder, [tensor]), await writeCheckpoint(folder, [tensor])];
    const graph = new Graph('twice');
    graph.weight(first.get('w'));
    graph.weight(first.get('w'));
    expect(() => graph.weight(second.get('w'))).toThrow(expect.objectContaining({ code: 'weights_mismatch' }));
  });

  test('have locations relative to the root of the file system', () => {
    expect(externalLocation('/models/a.safetensors')).toBe('models/a.safetensors');
    expect(externalLocation('C:\\models\\a.safetensors')).toBe('models/a.safetensors');
  });
});

describe('slices', () => {
  test('scan runs a body over each slice and stacks all its results; it has weights of its own and sees values around it', async () => {
    const weights = await writeCheckpoint(folder, [
      { name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(10, 20) },
    ]);
    const graph = new Graph('scan');
    const x = graph.input('x', [3, 'rows', 2]);
    const shift = graph.constant(new Float32Array(3), [3]);
    const two = graph.constant(2);
    const { y, negative } = graph.scan({ x, shift }, (body, slices) => ({
      y: body.op.Add(body.op.Mul(slices.x, two), body.op.ReduceSum(body.weight(weights.get('w')), [0])),
      negative: body.op.Sub(slices.shift, slices.x),
    }));
    graph.output('y', graph.op.Mul(graph.op.Add(y, graph.op.Add(negative, x)), graph.weight(weights.get('w'))));
    const { initializer, node } = parse(graph).graph!;
    const body = node.find(({ opType }) => opType === 'Scan')!.attribute.find(({ g }) => g)!.g!;
    const weightsOf = (list: typeof initializer) => list.filter(({ externalData }) => externalData.length > 0);
    expect([weightsOf(initializer).length, weightsOf(body.initializer).length]).toEqual([1, 1]);
    const { data, shape } = await runOnce(runtime, graph, {
      x: { shape: [3, 1, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    });
    expect(shape).toEqual([3, 1, 2]);
    expect([...data]).toEqual([320, 680, 360, 760, 400, 840]);
  });

  test('nibbles are signed 4-bit integers, the first of a byte low', async () => {
    const weights = await writeCheckpoint(folder, [
      { name: 'w', dtype: 'U8', shape: [2, 1], data: Uint8Array.of(0x79, 0x83) },
    ]);
    const graph = new Graph('nibbles');
    graph.output('y', graph.op.Cast(graph.nibbles(weights.get('w'), [2, 2]), { to: elementTypeCode('float32') }));
    expect([...(await runOnce(runtime, graph)).data]).toEqual([-7, 7, 3, -8]);
    expect(() => graph.nibbles(weights.get('w'), [2, 1])).toThrow(
      expect.objectContaining({ code: 'weights_mismatch' }),
    );
  });
});
