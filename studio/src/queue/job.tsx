/** A line of the queue: what it will show, how far it is, and how to stop it. */
import type { Video } from '../api/types.ts';
import { useFilmstrip } from '../components/clip/filmstrip.ts';
import { Preview } from '../components/clip/preview.tsx';
import { IconButton } from '../components/iconbutton.tsx';
import { Strip } from '../components/strip.tsx';
import { methodOf, ordinal, shapeOf, span } from '../names.ts';
import { cancel, liveOf } from '../state/library.ts';
import { go, route } from '../state/route.ts';

export function Job({ video }: { readonly video: Video }) {
  const { id, prompt, status, quantcache } = video;
  const live = liveOf(id);
  const preview = useFilmstrip(live?.preview, shapeOf(video));
  const shown = route.value.at === 'clip' && route.value.id === id;
  return (
    <li class="job" data-running={status === 'in_progress'}>
      <button type="button" class="job-open" aria-current={shown} onClick={() => go({ at: 'clip', id })}>
        {preview ? <Preview frames={preview} label="" /> : <span class="grain" aria-hidden="true" />}
        <span class="job-text">
          <b>{prompt}</b>
          <small class="soft">
            {methodOf(video)} · seed <span class="number">{quantcache.seed}</span>
          </small>
        </span>
      </button>
      <IconButton icon="close" label={`Cancel “${prompt}”`} title="Cancel" act={() => void cancel(video)} />
      <div class="job-state">
        {status === 'in_progress' && (
          <Strip
            steps={live?.steps ?? quantcache.steps ?? []}
            count={quantcache.num_inference_steps * quantcache.loops}
            running
          />
        )}
        <span class="soft number">{stateOf(video)}</span>
      </div>
    </li>
  );
}

const stages = { text: 'reading', reference: 'looking', denoise: 'step', decode: 'decoding', save: 'saving' } as const;

/** How far a job is, in words. */
export function stateOf({ id, status, progress, quantcache }: Video): string {
  const { queue_position, eta_seconds } = quantcache;
  const left = eta_seconds === null ? '' : ` · ${span(eta_seconds)}`;
  if (status === 'queued') return `${queue_position === null ? 'waits' : `${ordinal(queue_position)} in line`}${left}`;
  const now = liveOf(id)?.progress;
  const stage = now ? stages[now.stage] : 'starting';
  const at = now?.stage === 'denoise' ? ` ${now.step}/${now.num_steps}` : '';
  return `${stage}${at} · ${progress}%${left}`;
}
