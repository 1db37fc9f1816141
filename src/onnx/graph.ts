/**
 * ONNX graphs written in TypeScript. `g.op.MatMul(x, w)` appends a node and returns the value it produces, so that a
 * layer is a function and a module reads like its PyTorch original. Weights are never read here: a weight is external
 * data, a reference to a byte range of the checkpoint's own safetensors file.
 *
 * Invariants: values have unique names; opset 21 and IR 10 unless a graph says otherwise, because higher opsets lose
 * WebGPU kernels silently. Reference: onnx.proto (ONNX IR), written through the `onnx-buf` schema.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';
import { QuantCacheError } from '../errors.ts';
import type { Weight } from '../weights/checkpoint.ts';
import type { Dtype } from '../weights/dtypes.ts';
import { type AttributeValue, attributeOf } from './attributes.ts';
import type { ContribOperatorName, MultipleOutputName, OperatorName } from './operators.ts';

/** The name of a tensor inside one graph. */
export type Value = string & { readonly __value: unique symbol };
/** Values by what they are. */
export type Values = Readonly<Record<string, Value>>;
/** A dimension: a size, or a name for a size known only when the graph runs. */
export type Dimension = number | string;
/** Element types of inputs, constants and casts. */
export type ElementType = 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'int4' | 'bool';
/** An operand: a value, a list of integers (an int64 constant), or `undefined` for an optional input left out. */
export type Operand = Value | readonly number[] | undefined;
/** Appends one node with a single output. The last argument may hold attributes. */
export type Operator = (...operands: (Operand | Record<string, AttributeValue>)[]) => Value;
/** An input of a graph: its name, and its shape where one is declared. */
export interface Input {
  readonly name: string;
  readonly shape?: readonly Dimension[];
}
/** A graph that is ready to be compiled: its bytes, and the files its weights lie in. */
export interface Model {
  readonly name: string;
  /** Where the graph was written here; what is unknown cannot be checked. */
  readonly inputs?: readonly Input[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly files: readonly string[];
  /** Of the weights as they are stored, where the graph was written here. */
  readonly weightBytes?: number;
}

const elementTypes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
  int4: 22,
};

const storedTypes: Partial<Record<Dtype, ElementType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I8: 'int8',
  U8: 'uint8',
  I32: 'int32',
  I64: 'int64',
};

const irVersion = 10n;

/** The ONNX number of an element type, for operators such as `Cast` that name a type by it. */
export const elementTypeCode = (type: ElementType): number => elementTypes[type];

/** A path as ONNX external data wants it: relative to the root of the file system, with forward slashes. */
export const externalLocation = (file: string): string =>
  file
    .replace(/^[a-zA-Z]:/, '')
    .replaceAll('\\', '/')
    .replace(/^\/+/, '');

/** What a graph and the bodies of its loops have in common. */
interface Shared {
  readonly files: Set<string>;
  weightBytes: number;
  usesContrib: boolean;
}

/** One ONNX graph under construction. */
export class Graph {
  readonly name: string;
  readonly #opset: number;
  readonly #nodes: onnx.NodeProto[] = [];
  readonly #inputs: onnx.ValueInfoProto[] = [];
  readonly #declared: Input[] = [];
  readonly #outputs: onnx.ValueInfoProto[] = [];
  readonly #shared: Shared;
  /** Of this graph's own nodes: ONNX Runtime lays weights out for its kernels only where they are, or one graph further in. */
  readonly #initializers = new Map<string, onnx.TensorProto>();
  /** Keeps the names of a body apart from those around it. */
  readonly #prefix: string;

  /** `parent` makes the body of a loop in another graph: see `scan`. */
  constructor(name: string, opset = 21, parent?: Graph) {
    this.name = name;
    this.#opset = opset;
    this.#shared = parent ? parent.#shared : { files: new Set(), weightBytes: 0, usesContrib: false };
    this.#prefix = parent ? `${parent.#prefix}${name}.` : '';
  }

  /** Operators by name: `g.op.Softmax(x, { axis: -1 })`. */
  readonly op: Readonly<Record<OperatorName, Operator>> = this.#operators('');
  /** Those of ONNX Runtime's own domain, `com.microsoft`. */
  readonly contrib: Readonly<Record<ContribOperatorName, Operator>> = this.#operators('com.microsoft');

  /** A node with several outputs, such as `Split`. */
  node(
    type: MultipleOutputName,
    operands: readonly Operand[],
    attributes: Record<string, AttributeValue>,
    outputs: number,
  ): Value[] {
    return this.#append('', type, operands, attributes, outputs);
  }

  /**
   * Runs a body over every slice of some values along their first axis, all of one length, and stacks each of its results:
   * memory for one slice at a time. The body may use values of this graph. `types` are those of values that are not float32.
   */
  scan<X extends Values, Y extends Values>(
    values: X,
    body: (graph: Graph, slices: X) => Y,
    types: Readonly<Record<string, ElementType>> = {},
  ): Y {
    const graph = new Graph(`body_${this.#nodes.length}`, this.#opset, this);
    const slices = mapValues(values, (_, name) => graph.input(`${graph.#prefix}${name}`, undefined, types[name]));
    const results = body(graph, slices);
    for (const [name, result] of Object.entries(results)) graph.output(`${graph.#prefix}each.${name}`, result);
    const operands = Object.values(values);
    const attributes = { body: { graph: graph.#proto() }, num_scan_inputs: operands.length };
    const stacked = this.node('Scan', operands, attributes, Object.keys(results).length);
    return mapValues(results, (_, _name, i) => stacked[i]!);
  }

  /**
   * Declares an input of the graph; without a shape it may have any. Inputs that may differ in a dimension, as 1 and the
   * batch do, must not share its name: memory is planned by it.
   */
  input(name: string, shape?: readonly Dimension[], type: ElementType = 'float32'): Value {
    this.#declared.push({ name, shape });
    this.#inputs.push(valueInfo(name, type, shape));
    return name as Value;
  }

  /** Declares a value as an output of the graph under a name of its own. */
  output(name: string, value: Value, type: ElementType = 'float32'): void {
    this.#nodes.push(
      create(onnx.NodeProtoSchema, { name: `output.${name}`, opType: 'Identity', input: [value], output: [name] }),
    );
    this.#outputs.push(valueInfo(name, type));
  }

  /** A weight that stays in its file, as float32: F16 and BF16 are widened when the session is made. */
  weight(weight: Weight, shape: readonly number[] = weight.shape): Value {
    const value = this.rawWeight(weight, shape);
    return weight.dtype === 'F32' ? value : this.op.Cast(value, { to: elementTypes.float32 });
  }

  /** A weight that stays in its file, in the type it is stored in. `shape` may regroup its dimensions. */
  rawWeight(weight: Weight, shape: readonly number[] = weight.shape): Value {
    const type = storedTypes[weight.dtype];
    if (!type) throw unsupportedDtype(weight);
    if (product(shape) !== product(weight.shape)) throw wrongShape(weight, shape);
    return this.#external(weight, type, shape);
  }

  /** A weight of bytes seen as signed 4-bit integers, two in each, the first in the low half. */
  nibbles(weight: Weight, shape: readonly number[]): Value {
    if (weight.dtype !== 'U8' || product(shape) !== 2 * product(weight.shape)) throw wrongShape(weight, shape);
    return this.#external(weight, 'int4', shape);
  }

  #external(weight: Weight, type: ElementType, shape: readonly number[]): Value {
    const name = `${this.#prefix}${weight.name}${String(shape) === String(weight.shape) ? '' : `[${shape}]`}`;
    const place = {
      location: externalLocation(weight.file),
      offset: String(weight.offset),
      length: String(weight.length),
    };
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    const present = this.#initializers.get(name)?.externalData;
    if (present?.some(({ value }, i) => value !== externalData[i]!.value)) {
      throw new QuantCacheError(
        'weights_mismatch',
        `Graph "${this.name}" has two weights "${name}" from different places.`,
      );
    }
    this.#shared.files.add(weight.file);
    if (!present) this.#shared.weightBytes += weight.length;
    this.#initializers.set(
      name,
      create(onnx.TensorProtoSchema, {
        name,
        dataType: elementTypes[type],
        dims: shape.map(BigInt),
        dataLocation: onnx.TensorProto_DataLocation.EXTERNAL,
        externalData,
      }),
    );
    return name as Value;
  }

  /** A small float32 constant stored in the graph; a number is a scalar. */
  constant(data: number | Float32Array, shape?: readonly number[]): Value {
    const array = typeof data === 'number' ? Float32Array.of(data) : data;
    return this.#constant('float32', array, shape ?? (typeof data === 'number' ? [] : [array.length]));
  }

  /** The finished graph. */
  build(): Model {
    const opsetImport = [{ domain: '', version: BigInt(this.#opset) }];
    if (this.#shared.usesContrib) opsetImport.push({ domain: 'com.microsoft', version: 1n });
    const graph = this.#proto();
    const model = create(onnx.ModelProtoSchema, { irVersion, producerName: 'quantcache', opsetImport, graph });
    const bytes = toBinary(onnx.ModelProtoSchema, model);
    const { files, weightBytes } = this.#shared;
    return { name: this.name, inputs: this.#declared, bytes, files: [...files], weightBytes };
  }

  #proto(): onnx.GraphProto {
    return create(onnx.GraphProtoSchema, {
      name: this.name,
      node: this.#nodes,
      initializer: [...this.#initializers.values()],
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  #operators<Name extends string>(domain: string): Record<Name, Operator> {
    const operator =
      (type: string): Operator =>
      (...args) => {
        const last = args.at(-1);
        const attributes = isAttributes(last) ? last : {};
        const operands = (isAttributes(last) ? args.slice(0, -1) : args) as Operand[];
        return this.#append(domain, type, operands, attributes, 1)[0]!;
      };
    return new Proxy({} as Record<Name, Operator>, { get: (_, type: string) => operator(type) });
  }

  #append(
    domain: string,
    opType: string,
    operands: readonly Operand[],
    attributes: Record<string, AttributeValue>,
    outputs: number,
  ): Value[] {
    if (domain) this.#shared.usesContrib = true;
    const name = `${this.#prefix}${opType}_${this.#nodes.length}`;
    const output = Array.from({ length: outputs }, (_, i) => (i ? `${name}.${i}` : name));
    const input = operands.map((operand) =>
      operand === undefined ? '' : typeof operand === 'string' ? operand : this.#integers(operand),
    );
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.#nodes.push(create(onnx.NodeProtoSchema, { name, opType, domain, input, output, attribute }));
    return output as Value[];
  }

  #integers(values: readonly number[]): Value {
    return this.#constant('int64', BigInt64Array.from(values, BigInt), [values.length]);
  }

  #constant(type: ElementType, data: Float32Array | BigInt64Array, shape: readonly number[]): Value {
    const name = `${this.#prefix}constant_${this.#initializers.size}`;
    const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const tensor = create(onnx.TensorProtoSchema, {
      name,
      dataType: elementTypes[type],
      dims: shape.map(BigInt),
      rawData,
    });
    this.#initializers.set(name, tensor);
    return name as Value;
  }
}

/** The same names with other values. */
export const mapValues = <V extends Values>(values: V, map: (value: Value, name: string, index: number) => Value): V =>
  Object.fromEntries(Object.entries(values).map(([name, value], i) => [name, map(value, name, i)])) as V;

const isAttributes = (arg: unknown): arg is Record<string, AttributeValue> =>
  typeof arg === 'object' && arg !== null && !Array.isArray(arg);

function unsupportedDtype({ name, dtype }: Weight): QuantCacheError {
  const allowed = Object.keys(storedTypes).join(', ');
  return new QuantCacheError(
    'unsupported_format',
    `Weight ${name} is stored as ${dtype}; a graph can hold ${allowed}. Convert the checkpoint.`,
  );
}

const wrongShape = ({ name, shape }: Weight, wanted: readonly number[]): QuantCacheError =>
  new QuantCacheError('weights_mismatch', `${name}: a weight of [${shape}] cannot be seen as [${wanted}].`);

const product = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1);

/** An input or output: its name and type, and its shape where one is given. */
function valueInfo(name: string, type: ElementType, shape?: readonly Dimension[]): onnx.ValueInfoProto {
  const dim = shape?.map((dimension) => ({
    value:
      typeof dimension === 'number'
        ? ({ case: 'dimValue', value: BigInt(dimension) } as const)
        : ({ case: 'dimParam', value: dimension } as const),
  }));
  const tensor = { elemType: elementTypes[type], shape: dim && { dim } };
  return create(onnx.ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensor } } });
}
