/**
 * How a processor multiplies 8-bit integers, found by trying it. Processors without VNNI (most of x86 before 2019) add
 * pairs of products of unsigned activations and signed weights in 16 bits, where large ones saturate, and nothing says so.
 * With unsigned weights around 128 the same processors are exact, and slower; `quantization/` packs them where they are
 * needed. Reference: microsoft/onnxruntime#12072.
 */
import { elementTypeCode, Graph } from '../onnx/graph.ts';
import type { IntegerProducts, Runtime } from './runtime.ts';

/** Rows, inputs and outputs of the product that is tried: enough for the kernels of matrices, exact in float32. */
const [rows, inputs, outputs] = [8, 64, 32];
const [activation, weight] = [255, 127];

/** Multiplies the largest activations by the largest weights, as quantized layers do, and compares with arithmetic. */
export async function tryIntegerProducts(
  runtime: Pick<Runtime, 'compile' | 'tensor' | 'read'>,
): Promise<IntegerProducts> {
  const graph = new Graph('integer products');
  const { op, contrib } = graph;
  const integers = (name: string, type: 'uint8' | 'int8') => op.Cast(graph.input(name), { to: elementTypeCode(type) });
  const unit = graph.constant(1);
  graph.output('y', contrib.MatMulIntegerToFloat(integers('x', 'uint8'), integers('w', 'int8'), unit, unit));
  const session = await runtime.compile(graph.build());
  try {
    const { y } = await session.run({
      x: runtime.tensor(new Float32Array(rows * inputs).fill(activation), [rows, inputs]),
      w: runtime.tensor(new Float32Array(inputs * outputs).fill(weight), [inputs, outputs]),
    });
    const sums = (await runtime.read(y!)).slice();
    y!.dispose();
    return sums.every((sum) => sum === activation * weight * inputs) ? 'exact' : 'saturates';
  } finally {
    await session.dispose();
  }
}

/** The path that integers take, for reports. */
export const describeProducts = (products: IntegerProducts): string =>
  products === 'exact' ? 'signed 8-bit weights' : 'unsigned 8-bit weights, as signed ones saturate';
