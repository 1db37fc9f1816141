/** What all samplers write into their graphs: the guided velocity of an output, and frames that are kept. */
import type { Graph, Value } from '../onnx/graph.ts';
import type { SamplerOptions } from '../sampler.ts';

/** Latents. */
export const latentShape = ['batch', 'channels', 'frames', 'height', 'width'];
/** What the network answers: with guidance a batch twice as large, and perhaps more channels. */
export const outputShape = ['rows', 'outputs', 'frames', 'height', 'width'];
/** One flag per frame. */
export const frameShape = ['batch', 1, 'frames', 1, 1];

/** Frames of `mask` from one value, all others from another. */
export const choose = ({ op }: Graph, mask: Value, yes: Value, no: Value): Value =>
  op.Where(op.Cast(mask, { to: 9 }), yes, no);

/** The velocity in an output, `[batch, channels, ...]`: uncond + scale (cond - uncond) where its second half is unconditional. */
export function guidedVelocity(
  graph: Graph,
  output: Value,
  scale: Value,
  { guided, channels }: Pick<SamplerOptions, 'guided' | 'channels'>,
): Value {
  const { op } = graph;
  const velocities = op.Slice(output, [0], [channels], [1]);
  if (!guided) return velocities;
  const [conditional, unconditional] = graph.node('Split', [velocities], { axis: 0, num_outputs: 2 }, 2);
  return op.Add(unconditional!, op.Mul(scale, op.Sub(conditional!, unconditional!)));
}
