/** Verifies `pab_schedule` cases: what Pyramid Attention Broadcast reuses at each step, for lists of timesteps. */
import * as z from 'zod';
import { type Node, type Role, treeOf } from '../../../model.ts';
import type { Policy } from '../../../policy.ts';
import type { Arithmetic } from '../../../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { createRunState } from '../../../state.ts';
import type { Comparison, PolicyMaker, ReferenceCase } from '../../../verification/case.ts';

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

/** Compares what is reused of each kind of module, step by step. */
export async function* verifyPab(
  _runtime: Runtime,
  reference: ReferenceCase,
  createPolicy: PolicyMaker,
): AsyncGenerator<Comparison> {
  const { config, cases } = reference.parse(schema);
  const [feedForward] = Object.values(config.mlp_spatial_broadcast_config);
  const blocks = feedForward!.block;
  const policy = createPolicy('pab', {
    spatial: config.spatial_range,
    temporal: config.temporal_range,
    cross: config.cross_range,
    window: config.spatial_threshold,
    feedForwardKeys: Object.keys(config.mlp_spatial_broadcast_config).map(Number),
    feedForwardSteps: feedForward!.skip_count,
    feedForwardBlocks: blocks,
  });
  const module = (kind: string, role: Role): Node => ({ path: kind, level: 'module', kind, role, index: blocks[0]! });
  const modules: readonly [Node, (step: LoggedStep) => boolean][] = [
    [module('spatial-attention', 'self-attention'), (step) => step.reuse_spatial_attn],
    [module('temporal-attention', 'self-attention'), (step) => step.reuse_temporal_attn],
    [module('cross-attention', 'cross-attention'), (step) => step.reuse_cross],
    [module('feed-forward', 'feed-forward'), (step) => String(step.reuse_mlp_blocks) === String(blocks)],
  ];
  for (const { resolution, num_frames, steps, schedule } of cases) {
    const timesteps = schedule.map(({ timestep }) => timestep);
    for (const [node, expected] of modules) {
      yield {
        tensor: `${resolution} ${num_frames} frames ${steps} steps/${node.kind}`,
        expected: schedule.map((step) => Number(expected(step))),
        actual: await reusedSteps(policy, node, timesteps),
      };
    }
  }
}

/** 1 for each step at which a policy reuses a module, which it was shown at every other step. */
async function reusedSteps(policy: Policy, node: Node, timesteps: readonly number[]): Promise<number[]> {
  const tensor: Tensor = { dims: [], type: 'float32', dispose() {} };
  const run = policy.begin({
    numSteps: timesteps.length,
    timesteps,
    guidanceScale: 1,
    tree: treeOf([node]),
    arithmetic: {} as Arithmetic, // not asked: the schedule depends on timesteps alone
    state: createRunState(),
    measure() {},
    warn() {},
  });
  const reused: number[] = [];
  for (const [step, timestep] of timesteps.entries()) {
    const site = { node, step, timestep, hidden: tensor, signal: async () => tensor };
    const action = await run.decide(site);
    reused.push(Number(action?.do === 'reuse'));
    if (action?.do !== 'reuse' && run.wants?.(node, step)) await run.observe?.(site, tensor);
  }
  run.dispose?.();
  return reused;
}
