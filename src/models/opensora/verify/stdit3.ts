/** Verifies `stdit3_forward` cases: one evaluation of the network, with every residual and hidden state on the way. */
import type { Geometry, Node } from '../../../model.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { type Comparison, configured, type Numbers, type ReferenceCase } from '../../../verification/case.ts';
import { parseStdit3Config } from '../stdit3/config.ts';
import { loadStdit3 } from '../stdit3/network.ts';

/** Rows of a flat `[count, ...]` array as lists. */
export const rowsOf = ({ data, dims }: Numbers): number[][] =>
  Array.from({ length: dims[0]! }, (_, row) => [
    ...data.subarray((row * data.length) / dims[0]!, ((row + 1) * data.length) / dims[0]!),
  ]);

/** Repeats rows until there are `count`, as the original tiles a caption mask. */
export const tileRows = (rows: number[][], count: number): number[][] =>
  Array.from({ length: count }, (_, i) => rows[i % rows.length]!);

/** The geometry of a latent tensor `[batch, channels, frames, height, width]` with its conditioning in pixels. */
export async function geometryOf(reference: ReferenceCase, latents: Numbers, numFrames = 0): Promise<Geometry> {
  const [, channels, frames, height, width] = latents.dims as [number, number, number, number, number];
  const first = async (name: string) => (await reference.read(name)).data[0]!;
  return {
    height: await first('inputs/height'),
    width: await first('inputs/width'),
    fps: await first('inputs/fps'),
    numFrames,
    latent: { channels, frames, height, width },
  };
}

/** Compares the output and every known intermediate of one forward pass. */
export async function* verifyStdit3(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const config = parseStdit3Config(reference.parse(configured).config);
  const network = loadStdit3(runtime, reference.weights, config);
  const latents = await reference.read('inputs/x');
  const captions = await reference.read('inputs/y');
  const batch = latents.dims[0]!;
  const mask = reference.has('inputs/mask') ? tileRows(rowsOf(await reference.read('inputs/mask')), batch) : undefined;
  const rates = [...(await reference.read('inputs/fps')).data];
  const denoiser = await network.begin({
    text: {
      conditional: { states: captions.data, dims: [batch, captions.dims.at(-2)!, captions.dims.at(-1)!], mask },
    },
    geometry: await geometryOf(reference, latents),
    frameRates: Array.from({ length: batch }, (_, i) => rates[i % rates.length]!),
  });
  const frameMask = reference.has('inputs/x_mask')
    ? rowsOf(await reference.read('inputs/x_mask')).map((row) => row.map(Boolean))
    : undefined;
  const times = [...(await reference.read('inputs/timestep')).data];
  const evaluation = await denoiser.evaluate(runtime.tensor(latents.data, latents.dims), times, frameMask);

  const known = new Map<string, () => Promise<ArrayLike<number>>>();
  const tensor = (name: string, value: Tensor) => known.set(name, () => runtime.read(value));
  tensor('inter/pos_emb', denoiser.positions);
  tensor('inter/x_embedded_plus_pos', evaluation.hidden);
  tensor('inter/fps_embedder_out', evaluation.time.rateOnly);
  known.set('inter/y_packed', async () => packed(await runtime.read(denoiser.caption), mask, config.hiddenSize));
  if (!frameMask) {
    tensor('inter/t_embedder_out', evaluation.time.timeOnly);
    tensor('inter/t_mlp', evaluation.time.modulation);
  } else {
    // Rows of denoised frames hold the timestep's embedding, rows of given frames that of timestep 0.
    const rowOf = async (value: Tensor, denoised: boolean) =>
      pickRows(await runtime.read(value), value.dims, frameMask, denoised);
    known.set('inter/t_embedder_out', () => rowOf(evaluation.time.timeOnly, true));
    known.set('inter/t0_embedder_out', () => rowOf(evaluation.time.timeOnly, false));
    known.set('inter/t_mlp', () => rowOf(evaluation.time.modulation, true));
  }

  let hidden = evaluation.hidden;
  for (const block of network.blocks) {
    for (const module of block.children!) {
      const ungated = module.kind === 'spatial-attention' || module.kind === 'temporal-attention';
      const result = await evaluation.run(module, hidden, { precision: 'fp32', residual: true, ungated });
      hidden = result.hidden;
      tensor(`inter/${block.path}.${residualName(module)}`, result.residual!);
      const { ungated: before } = result;
      const name = `inter/${block.path}.attn_out_pre_gate`;
      if (before && module.kind === 'temporal-attention')
        known.set(name, async () => byPlace(await runtime.read(before), before.dims));
      else if (before) tensor(name, before);
    }
    tensor(`inter/${block.path}.out`, hidden);
  }
  const final = await evaluation.finishTokens(hidden);
  tensor('inter/final_layer_out', final.tokens);
  tensor('outputs/out', final.output);

  for (const name of [...reference.names('inter/'), ...reference.names('outputs/')]) {
    yield { tensor: name, expected: (await reference.read(name)).data, actual: await known.get(name)?.() };
  }
  denoiser.dispose();
  await network.dispose();
}

const residualName = (module: Node): string =>
  ({ 'cross-attention': 'cross_res', 'feed-forward': 'mlp_res' })[module.kind as string] ?? 'attn_res';

/** `[batch, frames, tokens, width]` as `[batch, tokens, frames, width]`, which the original's temporal attention computes in. */
function byPlace(data: Float32Array, dims: readonly number[]): Float32Array {
  const [batch, frames, tokens, width] = dims as [number, number, number, number];
  const turned = new Float32Array(data.length);
  for (let row = 0; row < batch * frames * tokens; row++) {
    const [sample, frame, token] = [
      Math.floor(row / (frames * tokens)),
      Math.floor(row / tokens) % frames,
      row % tokens,
    ];
    const place = (sample * tokens + token) * frames + frame;
    turned.set(data.subarray(row * width, (row + 1) * width), place * width);
  }
  return turned;
}

/** Caption tokens of all samples without their padding, one after the other. */
function packed(tokens: Float32Array, mask: number[][] | undefined, width: number): ArrayLike<number> {
  if (!mask) return tokens;
  const lengths = mask.map((row) => row.filter(Boolean).length);
  const longest = Math.max(...lengths);
  return lengths.flatMap((length, i) => [...tokens.subarray(i * longest * width, (i * longest + length) * width)]);
}

/** For each sample the row of a frame that is, or is not, denoised. */
function pickRows(data: Float32Array, dims: readonly number[], mask: boolean[][], denoised: boolean): number[] {
  const [, frames, width] = dims as [number, number, number];
  return mask.flatMap((row, sample) => {
    const start = (sample * frames + row.indexOf(denoised)) * width;
    return [...data.subarray(start, start + width)];
  });
}
