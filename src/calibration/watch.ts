/**
 * What a full run shows of itself, told by a policy that accelerates nothing: how the network's input, its output and the
 * whole step's residual change from step to step. TeaCache's and MagCache's coefficients are fitted to that.
 */

import { residualStore } from '../policies/residuals.ts';
import type { Policy } from '../policy.ts';

/** How much the whole step changed, as TeaCache and MagCache want to know it. */
export interface StepChange {
  /** |x(s) - x(s-1)|_1 / |x(s-1)|_1 of the network's modulated input, absent where the model has none. */
  readonly input?: number;
  /** The same of the network's output. */
  readonly output: number;
  /** |r(s)| / |r(s-1)| of the whole step's residual, mean over tokens. */
  readonly magnitude: number;
}

/** Tells the change of every step but the first. */
export function watchSteps(onChange: (change: StepChange) => void): Policy {
  return {
    name: 'watch-steps',
    begin({ arithmetic }) {
      const kept = residualStore();
      let input: number | undefined;
      let magnitude = Number.NaN;
      return {
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
