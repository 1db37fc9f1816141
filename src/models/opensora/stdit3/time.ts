/**
 * The embedding of timesteps and frame rates: once per step, for every row of the network's batch, or once for all where
 * they are alike, which spares kernels the broadcasting.
 */
import type { Tensor } from '../../../runtime/runtime.ts';
import { timeGraph } from './endgraphs.ts';
import { sinusoid, sinusoidSize } from './positions.ts';
import type { Conditioning, Network } from './state.ts';

/** The time embedding, its two parts `[batch or 1, rows, width]`, and the blocks' modulation made of it. */
export type TimeTensors = Record<'embedding' | 'modulation' | 'timeOnly' | 'rateOnly', Tensor>;

/** One value for each row of the network's batch, from one for all prompts or one for each. */
export function perRow({ text }: Conditioning, values: number | readonly number[]): number[] {
  const prompts = typeof values === 'number' ? Array<number>(text.conditional.dims[0]).fill(values) : [...values];
  return text.unconditional ? [...prompts, ...prompts] : prompts;
}

/** Embeds times `[batch][rows]`, all samples with the same number of rows. */
export async function embedTime(
  { runtime, weights, config, sessions }: Network,
  conditioning: Conditioning,
  times: readonly number[][],
) {
  const session = await sessions.get('time', () => timeGraph(weights, config));
  const rates = perRow(conditioning, conditioning.frameRates ?? conditioning.geometry.fps);
  const alike = new Set(times.map(String)).size === 1 && new Set(rates).size === 1;
  const samples = alike ? 1 : times.length;
  const feeds = {
    times: runtime.tensor(sinusoid(times.slice(0, samples).flat()), [samples, times[0]!.length, sinusoidSize]),
    rates: runtime.tensor(sinusoid(rates.slice(0, samples)), [samples, 1, sinusoidSize]),
  };
  return (await session.run(feeds)) as TimeTensors;
}
