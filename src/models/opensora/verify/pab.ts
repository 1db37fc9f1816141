/** Verifies `pab_schedule` cases: what Pyramid Attention Broadcast reuses at each step, for lists of timesteps. */
import * as z from 'zod';
import { type PabStep, pabSchedule } from '../../../policies/pab.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { Comparison, ReferenceCase } from '../../../verification/case.ts';

const stepSchema = z.object({
  timestep: z.number(),
  reuse_spatial_attn: z.boolean(),
  reuse_temporal_attn: z.boolean(),
  reuse_cross: z.boolean(),
  reuse_mlp_blocks: z.array(z.int()),
});
type LoggedStep = z.output<typeof stepSchema>;

/** PAB's configuration and schedules, in the words of the original. */
const schema = z.object({
  config: z.object({
    spatial_range: z.int(),
    temporal_range: z.int(),
    cross_range: z.int(),
    spatial_threshold: z.tuple([z.number(), z.number()]),
    mlp_spatial_broadcast_config: z.record(z.string(), z.object({ block: z.array(z.int()), skip_count: z.int() })),
  }),
  cases: z.array(
    z.object({ resolution: z.string(), num_frames: z.int(), steps: z.int(), schedule: z.array(stepSchema) }),
  ),
});

/** Compares the flags of each kind of module, step by step. */
export async function* verifyPab(_runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { config, cases } = reference.parse(schema);
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
