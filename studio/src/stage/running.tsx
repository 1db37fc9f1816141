/** A clip that is being made: what can be seen of it so far, step by step. */
import type { Video } from '../api/types.ts';
import { useFilmstrip } from '../components/clip/filmstrip.ts';
import { Preview } from '../components/clip/preview.tsx';
import { Icon } from '../components/icon.tsx';
import { Strip } from '../components/strip.tsx';
import { methodOf, ratioOf, shapeOf } from '../names.ts';
import { stateOf } from '../queue/job.tsx';
import { cancel, liveOf } from '../state/library.ts';

export function Running({ video }: { readonly video: Video }) {
  const live = liveOf(video.id);
  const { num_inference_steps, loops, steps, seed, attempt } = video.quantcache;
  const preview = useFilmstrip(live?.preview, shapeOf(video));
  return (
    <article class="clip running">
      <div class="theatre" style={{ '--ratio': ratioOf(video) }}>
        {preview ? (
          <Preview frames={preview} label={`Preview of “${video.prompt}”`} glows />
        ) : (
          <div class="screen grain" role="img" aria-label="No preview yet" />
        )}
      </div>
      <div class="run-state">
        <Strip
          steps={live?.steps ?? steps ?? []}
          count={num_inference_steps * loops}
          running={video.status === 'in_progress'}
        />
        <p class="number" aria-live="polite" aria-atomic="true">
          {stateOf(video)}
        </p>
      </div>
      <div class="clip-head">
        <h2 class="title">{video.prompt}</h2>
        <div class="actions">
          <span class="soft">
            {methodOf(video)} · seed <span class="number">{seed}</span>
            {attempt > 1 && ` · attempt ${attempt}`}
          </span>
          <span class="spread" />
          <button type="button" onClick={() => void cancel(video)}>
            <Icon name="close" />
            Cancel
          </button>
        </div>
      </div>
    </article>
  );
}
