/** Keys of the page; those of players are theirs. */
import { useEffect } from 'preact/hooks';
import { isTaken } from '../components/clip/keys.ts';
import { askToCancel } from '../queue/cancel.tsx';
import { change, draft } from '../state/draft.ts';
import { isUnfinished, videoOf } from '../state/library.ts';
import { makeDraft } from '../state/making.ts';
import { say } from '../state/notices.ts';
import { pick, picks } from '../state/picks.ts';
import { go, pane, route } from '../state/route.ts';
import { help } from './help.tsx';

export function useKeys(): void {
  useEffect(() => {
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

const actions: Record<string, () => void> = {
  l() {
    change({ seedLocked: !draft.value.seedLocked });
    say(draft.value.seedLocked ? 'The seed stays.' : 'Every clip gets a new seed.');
  },
  c: compareStage,
  '/'() {
    pane.value = 'history';
    requestAnimationFrame(() => document.getElementById('search')?.focus());
  },
  '?'() {
    help.value = true;
  },
  Escape: leave,
};

function press(event: KeyboardEvent): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void makeDraft();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape' && event.target instanceof HTMLElement && event.target.matches('input, textarea')) {
    event.target.blur();
    return;
  }
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || isTaken(event)) return;
  event.preventDefault();
  action();
}

function compareStage(): void {
  const shown = route.value;
  if (shown.at !== 'clip' || videoOf(shown.id)?.status !== 'completed') return;
  pick(shown.id);
  if (picks.value.length === 1) say('Pick the clip to compare it with.');
}

function leave(): void {
  const shown = route.value;
  if (shown.at === 'compare') {
    picks.value = [];
    go({ at: 'clip', id: shown.a });
    return;
  }
  const video = shown.at === 'clip' ? videoOf(shown.id) : undefined;
  if (video && isUnfinished(video)) askToCancel(video);
  else picks.value = [];
}
