/** A clip in the history: its picture, which moves while it is pointed at, and what can be done with it. */
import { useSignal } from '@preact/signals';
import { contentOf } from '../api/client.ts';
import type { Video } from '../api/types.ts';
import { useClock } from '../components/clip/clock.ts';
import type { Frames } from '../components/clip/frames.ts';
import { Screen } from '../components/clip/screen.tsx';
import { useFrames } from '../components/clip/useframes.ts';
import { Icon } from '../components/icon.tsx';
import { isPlayable, methodOf } from '../names.ts';
import { use } from '../state/draft.ts';
import { isCancelled } from '../state/library.ts';
import { requestOfVideo, retry } from '../state/making.ts';
import { say } from '../state/notices.ts';
import { pick, picks } from '../state/picks.ts';
import { go, pane, route } from '../state/route.ts';

export function Card({ video }: { readonly video: Video }) {
  const { id, prompt, status, quantcache } = video;
  const over = useSignal(false);
  const shown = route.value.at === 'clip' && route.value.id === id;
  const place = picks.value.indexOf(id);
  return (
    <li
      class="card"
      data-status={status}
      onPointerEnter={({ pointerType }) => {
        over.value = pointerType === 'mouse';
      }}
      onPointerLeave={() => {
        over.value = false;
      }}
    >
      <button
        type="button"
        class="card-open"
        aria-current={shown}
        aria-label={prompt}
        onClick={() => go({ at: 'clip', id })}
      >
        <Picture video={video} moving={over.value} />
      </button>
      <p class="card-text" title={prompt}>
        {prompt}
      </p>
      <p class="card-meta soft">
        <span>{methodOf(video)}</span>
        <span class="number">{quantcache.seed}</span>
      </p>
      <div class="card-actions">
        {status === 'completed' && (
          <button
            type="button"
            class="pick"
            aria-pressed={place >= 0}
            aria-label={`Compare “${prompt}”, ${methodOf(video)}`}
            title="Compare"
            onClick={() => pick(id)}
          >
            {place < 0 ? <Icon name="compare" /> : <b>{place === 0 ? 'A' : 'B'}</b>}
          </button>
        )}
        {status === 'failed' && (
          <button
            type="button"
            class="pick"
            aria-label={`Retry “${prompt}”`}
            title="Retry"
            onClick={() => void retry(video)}
          >
            <Icon name="again" />
          </button>
        )}
        <button
          type="button"
          class="pick"
          aria-label={`Use the settings of “${prompt}”`}
          title="Use these settings"
          onClick={() => {
            use(requestOfVideo(video));
            pane.value = 'make';
            say('Settings taken over.');
          }}
        >
          <Icon name="reuse" />
        </button>
      </div>
    </li>
  );
}

function Picture({ video, moving }: { readonly video: Video; readonly moving: boolean }) {
  const plays = moving && video.status === 'completed' && isPlayable(video);
  const { frames } = useFrames(plays ? contentOf(video.id) : undefined);
  if (video.status === 'failed') return <span class="card-failed">{isCancelled(video) ? 'cancelled' : 'failed'}</span>;
  if (plays && frames) return <Moving frames={frames} />;
  const small = Number(video.size.split('x')[0]) < 256;
  return <img class={small ? 'pixels' : ''} src={contentOf(video.id, 'thumbnail')} alt="" loading="lazy" />;
}

function Moving({ frames }: { readonly frames: Frames }) {
  const clock = useClock(frames.images.length, frames.fps);
  return <Screen frames={frames} clock={clock} label="" />;
}
