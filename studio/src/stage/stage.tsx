/** What is looked at: a clip, a run, a comparison, or an invitation. */
import { useEffect } from 'preact/hooks';
import { ensure, finished, videoOf } from '../state/library.ts';
import { refused } from '../state/notices.ts';
import { go, route } from '../state/route.ts';
import { ClipStage } from './clip.tsx';
import { CompareStage } from './compare.tsx';
import { Welcome } from './welcome.tsx';

export function Stage() {
  const shown = route.value;
  const ids = shown.at === 'clip' ? [shown.id] : shown.at === 'compare' ? [shown.a, shown.b] : [];
  const missing = ids.filter((id) => videoOf(id) === undefined);
  useEffect(() => {
    for (const id of missing)
      ensure(id).catch((error: unknown) => {
        refused(error);
        go({ at: 'home' });
      });
  }, [missing.join()]);
  return (
    <section class="stage" aria-label="Stage">
      {shown.at === 'compare' ? (
        <Pair a={shown.a} b={shown.b} />
      ) : (
        <One id={shown.at === 'clip' ? shown.id : undefined} />
      )}
    </section>
  );
}

/** A clip by its id; without one, the newest that is done. */
function One({ id }: { readonly id?: string }) {
  const newest = finished.value.find(({ status }) => status === 'completed');
  const video = id === undefined ? newest : videoOf(id);
  if (video) return <ClipStage key={video.id} video={video} />;
  return id === undefined ? <Welcome /> : null;
}

function Pair({ a, b }: { readonly a: string; readonly b: string }) {
  const [first, second] = [videoOf(a), videoOf(b)];
  return first && second ? <CompareStage a={first} b={second} /> : null;
}
