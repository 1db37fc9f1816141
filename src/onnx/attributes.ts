/** Attributes of ONNX nodes: which of the protobuf's attribute types a TypeScript value becomes. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';

/** A float attribute whose value may happen to be a whole number. */
export interface FloatAttribute {
  readonly float: number;
}
/** The body of a loop. */
export interface GraphAttribute {
  readonly graph: onnx.GraphProto;
}
/** Whole numbers are ints, fractions are floats, lists likewise; `float(1)` says float where the value does not. */
export type AttributeValue = number | string | readonly number[] | FloatAttribute | GraphAttribute;

/** Marks a number as a float attribute. */
export const float = (value: number): FloatAttribute => ({ float: value });

const types = onnx.AttributeProto_AttributeType;

/** The protobuf form of one attribute. */
export function attributeOf(name: string, value: AttributeValue): onnx.AttributeProto {
  return create(onnx.AttributeProtoSchema, { name, ...typed(value) });
}

function typed(value: AttributeValue): MessageInitShape<typeof onnx.AttributeProtoSchema> {
  if (typeof value === 'string') return { type: types.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { type: types.INT, i: BigInt(value) } : { type: types.FLOAT, f: value };
  }
  if ('float' in value) return { type: types.FLOAT, f: value.float };
  if ('graph' in value) return { type: types.GRAPH, g: value.graph };
  return value.every(Number.isInteger)
    ? { type: types.INTS, ints: value.map(BigInt) }
    : { type: types.FLOATS, floats: [...value] };
}
