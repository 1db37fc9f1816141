/** Keys of whatever plays: space, and `,` `.` for single frames. Not while something is being typed. */
import { useEffect } from 'preact/hooks';
import type { Clock } from './clock.ts';

/** Whether a key belongs to what has the focus. */
export function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target.matches('textarea, select, input:not([type=range], [type=checkbox], [type=radio])')
  )
    return true;
  return key === ' ' && target.matches('button, summary, a, input, [role=gridcell]');
}

export function useClockKeys(clock: Clock): void {
  useEffect(() => {
    const actions: Record<string, () => void> = {
      ' ': clock.toggle,
      ',': () => clock.step(-1),
      '.': () => clock.step(1),
    };
    const press = (event: KeyboardEvent) => {
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [clock]);
}
