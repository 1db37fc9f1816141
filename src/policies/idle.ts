/** Policies that compute everything though they were chosen to save something tell the user, once, and why where they know. */
import type { Action, Policy, RunContext } from '../policy.ts';

/**
 * A policy that tells where it saved nothing in a run. What it says itself, of memory or of its warm-up, is the better reason
 * and stands alone.
 */
export function tellingIdleness(policy: Policy): Policy {
  return {
    ...policy,
    begin(context) {
      const seen = context.state.data('idleness', { told: false, saved: false });
      const warn = (message: string) => {
        seen.told = true;
        context.warn(message);
      };
      const run = policy.begin({ ...context, warn, state: context.state.part('policy') });
      return {
        ...run,
        ...(run.leap && {
          leap(step: number) {
            const leap = run.leap!(step);
            seen.saved ||= leap !== undefined;
            return leap;
          },
        }),
        async decide(site) {
          const action = await run.decide(site);
          seen.saved ||= action !== undefined && saves(action);
          return action;
        },
        async observeOutput(outcome) {
          await run.observeOutput?.(outcome);
          if (outcome.step === context.numSteps - 1 && !seen.saved && !seen.told)
            warn(
              `Policy "${policy.name}" found nothing to save in ${context.numSteps} steps: everything is computed. ` +
                `Its options say when it may ("quantcache policies ${policy.name}").`,
            );
        },
      };
    },
  };
}

const saves = (action: Action): boolean =>
  action.do !== 'compute' || (action.precision !== undefined && action.precision !== 'fp32');

/** Tells that the steps which a policy always computes are all there are. `option` is what to lower. */
export function tellIfAlwaysComputed(
  { numSteps, warn }: Pick<RunContext, 'numSteps' | 'warn'>,
  policy: string,
  { option, first, last = 0 }: { readonly option: string; readonly first: number; readonly last?: number },
): void {
  if (first + last < numSteps) return;
  const also = last > 0 ? ` and the last ${last}` : '';
  warn(
    `Policy "${policy}" computes everything: of ${numSteps} steps it always computes the first ${first}${also}. ` +
      `Lower its option ${option}, or take more steps.`,
  );
}
