/**
 * What a full run shows of itself, told by a policy that accelerates nothing: how the network's input, its output and the
 * whole step's residual change from step to step. TeaCache's and MagCache's coefficients are fitted to that.
 */

import type { StepChange } from '../policies/fitting.ts';
import type { Policy } from '../policy.ts';

/** Tells the change of every step but the first. */
export function watchSteps(onChange: (change: StepChange) => void): Policy {
  return {
    name: 'watch-steps',
    begin({ arithmetic, state }) {
      const kept = state.tensors('watched');
      let input: number | undefined;
      let magnitude = Number.NaN;
      return {
        finest: 'step',
        async decide({ node, signal }) {
          if (node.level !== 'step') return undefined;
          const now = await signal('modulated-input').catch(() => undefined);
          const before = kept.get('input');
          input = now && before ? await arithmetic.relativeL1(now, before) : undefined;
          if (now) kept.keep('input', now);
          return undefined;
        },
        wants: ({ level }) => level === 'step',
        async observe(_, residual) {
          const before = kept.get('residual');
          if (before) magnitude = await arithmetic.magnitudeRatio(residual, before);
          kept.keep('residual', residual);
        },
        async observeOutput({ output }) {
          const before = kept.get('output');
          if (before) onChange({ input, magnitude, output: await arithmetic.relativeL1(output, before) });
          kept.keep('output', output);
        },
        heldBytes: kept.bytes,
        dispose: kept.dispose,
      };
    },
  };
}
