/** Attributes of ONNX nodes: which of the protobuf's attribute types a TypeScript value becomes. */
import { create } from '@bufbuild/protobuf';
import * as onnx from 'onnx-buf';

/** A float attribute whose value may happen to be a whole number. */
export interface FloatAttribute {
  readonly float: number;
}
/** Whole numbers are ints, fractions are floats; `float(1)` says float where the value does not. */
export type AttributeValue = number | string | readonly number[] | FloatAttribute;

/** Marks a number as a float attribute. */
export const float = (value: number): FloatAttribute => ({ float: value });

const types = onnx.AttributeProto_AttributeType;

/** The protobuf form of one attribute. */
export function attributeOf(name: string, value: AttributeValue): onnx.AttributeProto {
  if (typeof value === 'string') return create(onnx.AttributeProtoSchema, { name, type: types.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === 'object' && 'float' in value) return create(onnx.AttributeProtoSchema, { name, type: types.FLOAT, f: value.float });
  if (typeof value === 'object') return create(onnx.AttributeProtoSchema, { name, type: types.INTS, ints: value.map(BigInt) });
  if (Number.isInteger(value)) return create(onnx.AttributeProtoSchema, { name, type: types.INT, i: BigInt(value) });
  return create(onnx.AttributeProtoSchema, { name, type: types.FLOAT, f: value });
}
