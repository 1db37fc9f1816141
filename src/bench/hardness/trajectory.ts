/** How straight the trajectory of a clip is, told by a policy that accelerates nothing. */
import { velocitiesOf } from '../../api/calibration.ts';
import type { Policy, Runtime } from '../../index.ts';
import { guided } from './field.ts';

/** What one full run shows of itself, by step. */
export interface Trajectory {
  /** |r(s) - r(s-1)|_1 / |r(s-1)|_1 of what the whole step adds to the hidden state, from the second step on. */
  readonly divergence: readonly number[];
  /** |v(s) - v(s-1)| / |v(s-1)| of the velocity with guidance, Euclidean, from the second step on. */
  readonly bend: readonly number[];
  /** The length of the way over that of the straight line; 1 is straight. */
  readonly detour: number;
}

/** A policy that watches one run, and what it has seen when the run is over. */
export function watchTrajectory(
  runtime: Runtime,
  { guidanceScale, noiseLevels }: { readonly guidanceScale: number; readonly noiseLevels: readonly number[] },
): { readonly policy: Policy; trajectory(): Trajectory } {
  const divergence: number[] = [];
  const bend: number[] = [];
  let way = 0;
  let line = new Float32Array();
  const policy: Policy = {
    name: 'watch-trajectory',
    begin({ arithmetic, state }) {
      const kept = state.tensors('watched');
      let before: Float32Array | undefined;
      return {
        finest: 'step',
        decide: () => undefined,
        wants: ({ level }) => level === 'step',
        async observe(_, residual) {
          const earlier = kept.get('residual');
          if (earlier) divergence.push(await arithmetic.relativeL1(residual, earlier));
          kept.keep('residual', residual);
        },
        async observeOutput({ step, latents, output }) {
          const velocity = guided(await velocitiesOf(runtime, output, latents), guidanceScale);
          const share = noiseLevels[step]! - noiseLevels[step + 1]!;
          if (before) {
            const earlier = before;
            bend.push(norm(velocity.map((value, i) => value - earlier[i]!)) / norm(earlier));
          } else line = new Float32Array(velocity.length);
          before = velocity;
          way += share * norm(velocity);
          line = line.map((value, i) => value + share * velocity[i]!);
        },
        heldBytes: kept.bytes,
        dispose: kept.dispose,
      };
    },
  };
  return { policy, trajectory: () => ({ divergence, bend, detour: way / norm(line) }) };
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}
