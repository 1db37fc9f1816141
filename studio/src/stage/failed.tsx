/** A clip that did not come about, and why. */
import type { Video } from '../api/types.ts';
import { Icon } from '../components/icon.tsx';
import { IconButton } from '../components/iconbutton.tsx';
import { use } from '../state/draft.ts';
import { isCancelled, remove } from '../state/library.ts';
import { requestOfVideo, retry } from '../state/making.ts';
import { go, pane } from '../state/route.ts';

export function Failed({ video }: { readonly video: Video }) {
  return (
    <article class="clip">
      <div class="theatre">
        <p class="screen-note">
          <b>{isCancelled(video) ? 'Cancelled.' : 'It did not work.'}</b>
          {!isCancelled(video) && <span>{video.error?.message}</span>}
        </p>
      </div>
      <div class="clip-head">
        <h2 class="title">{video.prompt}</h2>
        <div class="actions">
          <button type="button" class="accent" onClick={() => void retry(video)}>
            <Icon name="again" />
            Retry
          </button>
          <button
            type="button"
            onClick={() => {
              use(requestOfVideo(video));
              pane.value = 'make';
            }}
          >
            <Icon name="reuse" />
            Use these settings
          </button>
          <span class="spread" />
          <IconButton
            icon="trash"
            label="Delete"
            title="Delete"
            act={() => {
              void remove(video);
              go({ at: 'home' }, { quiet: true });
            }}
          />
        </div>
      </div>
    </article>
  );
}
