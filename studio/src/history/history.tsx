/** All clips that there are, to look through, search, and compare. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Video } from '../api/types.ts';
import { Icon } from '../components/icon.tsx';
import { finished, hasOlder, loadAll, loadOlder } from '../state/library.ts';
import { picks } from '../state/picks.ts';
import { Card } from './card.tsx';
import { matches } from './search.ts';

export function History() {
  const query = useSignal('');
  const searching = query.value.trim() !== '';
  useEffect(() => {
    if (searching) void loadAll();
  }, [searching]);
  const found = finished.value.filter((video) => matches(video, query.value));
  return (
    <section class="history" aria-label="History">
      <header>
        <h2>History</h2>
        <label class="search">
          <Icon name="search" />
          <span class="unseen">Search the history</span>
          <input
            id="search"
            type="search"
            placeholder="Prompt, seed, profile…"
            value={query.value}
            onInput={({ currentTarget }) => {
              query.value = currentTarget.value;
            }}
          />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <p class="soft" aria-live="polite">
          {searching ? `${found.length} found` : picks.value.length === 1 ? 'Pick a second clip to compare.' : ''}
        </p>
      </header>
      {found.length === 0 && <Empty searching={searching} />}
      <ul class="cards">
        {found.map((video: Video) => (
          <Card key={video.id} video={video} />
        ))}
      </ul>
      {hasOlder.value && !searching && (
        <button type="button" class="older" onClick={() => void loadOlder()}>
          Older clips
        </button>
      )}
    </section>
  );
}

function Empty({ searching }: { readonly searching: boolean }) {
  return (
    <p class="soft empty">
      {searching ? 'No clip is like that.' : 'Nothing here yet. What you make stays until you delete it.'}
    </p>
  );
}
