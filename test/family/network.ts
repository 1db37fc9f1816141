/**
 * A made-up network of two blocks, in plain JavaScript: it mixes places, looks at the text, and mixes channels. Its nodes have
 * kinds of their own; it runs in float32 alone and has neither a modulated input nor whole graphs.
 */
import { QuantCacheError } from '../../src/index.ts';
import type { Denoiser, Evaluation, Geometry, Node, Role, TextConditioning } from '../../src/model.ts';
import type { Runtime, Tensor } from '../../src/runtime/runtime.ts';

/** Channels of the hidden state, which are those of the latents twice. */
export const width = 4;
export const channels = 2;
export const textWidth = 3;

const roles: readonly [string, Role][] = [
  ['place-mixer', 'self-attention'],
  ['text-gate', 'cross-attention'],
  ['channel-mixer', 'feed-forward'],
];

/** Two blocks of three modules. */
export const blocks: readonly Node[] = [0, 1].map((index) => ({
  path: `layers.${index}`,
  level: 'block',
  kind: 'mixer-layer',
  index,
  children: roles.map(
    ([kind, role]): Node => ({ path: `layers.${index}.${kind}`, level: 'module', kind, role, index }),
  ),
}));

/** What a module adds to one hidden state `[places, width]`, given its sample's text and noise level. */
function added(node: Node, hidden: Float32Array, text: Float32Array, level: number): Float32Array {
  const places = hidden.length / width;
  const gain = 0.2 + 0.1 * node.index;
  const mean = Array.from({ length: width }, (_, c) => {
    let sum = 0;
    for (let place = 0; place < places; place++) sum += hidden[place * width + c]!;
    return sum / places;
  });
  const mood = text.reduce((sum, value) => sum + value, 0) / text.length;
  return hidden.map((value, i) => {
    const c = i % width;
    if (node.role === 'self-attention') return gain * Math.tanh(mean[c]! - value * (1 - level));
    if (node.role === 'cross-attention') return gain * Math.tanh(mood + 0.3 * c) * (0.5 + level);
    return gain * Math.tanh(0.7 * hidden[i - c + ((c + 1) % width)]! - value);
  });
}

/** The network with its conditioning. */
export async function beginNetwork(
  runtime: Runtime,
  { text, geometry }: { readonly text: TextConditioning; readonly geometry: Geometry },
): Promise<Denoiser> {
  const { conditional, unconditional } = text;
  const rowsOf = ({ states, dims: [rows, length, size] }: typeof conditional, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const row = rows === 1 ? 0 : i;
      return states.subarray(row * length * size, (row + 1) * length * size);
    });
  const prompts = conditional.dims[0];
  const texts = [...rowsOf(conditional, prompts), ...(unconditional ? rowsOf(unconditional, prompts) : [])];
  const { frames, height, width: columns } = geometry.latent;
  const places = frames * height * columns;
  const dims = [texts.length, frames, height * columns, width];

  return {
    async evaluate(latents, timestep): Promise<Evaluation> {
      const given = await runtime.read(latents);
      const hidden = new Float32Array(texts.length * places * width);
      for (let row = 0; row < texts.length; row++)
        for (let place = 0; place < places; place++)
          for (let c = 0; c < width; c++)
            hidden[(row * places + place) * width + c] =
              given[((row % prompts) * channels + (c % channels)) * places + place]! / (1 + Math.floor(c / channels));
      return {
        hidden: runtime.tensor(hidden, dims),
        async run(node, input, { precision, residual }) {
          if (precision !== 'fp32')
            throw new QuantCacheError('unsupported_precision', 'The mixer computes in fp32 alone; use fp32.');
          const before = await runtime.read(input);
          const size = places * width;
          const change = Float32Array.from(
            texts.flatMap((own, row) => [
              ...added(node, before.slice(row * size, (row + 1) * size), own, timestep / 1000),
            ]),
          );
          return {
            hidden: runtime.tensor(
              change.map((value, i) => value + before[i]!),
              dims,
            ),
            ...(residual && { residual: runtime.tensor(change, dims) }),
          };
        },
        async finish(last: Tensor) {
          const values = await runtime.read(last);
          const output = Float32Array.from({ length: texts.length * channels * places }, (_, i) => {
            const row = Math.floor(i / (channels * places));
            const c = Math.floor(i / places) % channels;
            return values[(row * places + (i % places)) * width + c]! * -0.6;
          });
          return runtime.tensor(output, [texts.length, channels, frames, height, columns]);
        },
        dispose() {},
      };
    },
    dispose() {},
  };
}
