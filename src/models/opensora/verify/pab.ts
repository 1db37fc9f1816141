/** Verifies `pab_schedule` cases: what Pyramid Attention Broadcast reuses at each step, for lists of timesteps. */
import { type PabStep, pabSchedule } from '../../../policies/pab.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { Comparison, ReferenceCase } from '../../../verification/case.ts';

/** PAB's configuration and schedules, in the words of the original. */
interface PabCase {
  readonly config: {
    readonly spatial_range: number;
    readonly temporal_range: number;
    readonly cross_range: number;
    readonly spatial_threshold: [number, number];
    readonly mlp_spatial_broadcast_config: Record<string, { block: number[]; skip_count: number }>;
  };
  readonly cases: readonly {
    readonly resolution: string;
    readonly num_frames: number;
    readonly steps: number;
    readonly schedule: readonly LoggedStep[];
  }[];
}

interface LoggedStep {
  readonly timestep: number;
  readonly reuse_spatial_attn: boolean;
  readonly reuse_temporal_attn: boolean;
  readonly reuse_cross: boolean;
  readonly reuse_mlp_blocks: readonly number[];
}

/** Compares the flags of each kind of module, step by step. */
export async function* verifyPab(_runtime: Runtime, { json }: ReferenceCase): AsyncGenerator<Comparison> {
  const { config, cases } = json as unknown as PabCase;
  const [feedForward] = Object.values(config.mlp_spatial_broadcast_config);
  for (const { resolution, num_frames, steps, schedule } of cases) {
    const found = pabSchedule(
      {
        spatial: config.spatial_range,
        temporal: config.temporal_range,
        cross: config.cross_range,
        window: config.spatial_threshold,
        feedForwardKeys: Object.keys(config.mlp_spatial_broadcast_config).map(Number),
        feedForwardSteps: feedForward!.skip_count,
        feedForwardBlocks: feedForward!.block,
      },
      schedule.map(({ timestep }) => timestep),
    );
    const compare = (kind: keyof PabStep, expected: (step: LoggedStep) => boolean): Comparison => ({
      tensor: `${resolution} ${num_frames} frames ${steps} steps/${kind}`,
      expected: schedule.map((step) => Number(expected(step))),
      actual: found.map((step) => Number(step[kind])),
    });
    yield compare('spatial-attention', (step) => step.reuse_spatial_attn);
    yield compare('temporal-attention', (step) => step.reuse_temporal_attn);
    yield compare('cross-attention', (step) => step.reuse_cross);
    yield compare('feed-forward', (step) => String(step.reuse_mlp_blocks) === String(feedForward!.block));
  }
}
