/** Speed and quality of the clips made from one prompt and seed, against the one with full computation. */
import { useEffect, useState } from 'preact/hooks';
import { contentOf } from '../api/client.ts';
import type { Video } from '../api/types.ts';
import { framesOf } from '../components/clip/load.ts';
import { equalDecibels, fidelityOf } from '../components/comparison/fidelity.ts';
import { Icon } from '../components/icon.tsx';
import { type Point, Tradeoff } from '../components/tradeoff/tradeoff.tsx';
import { methodOf, secondsOf } from '../names.ts';
import { isUnfinished } from '../state/library.ts';
import { alsoFull, familyOf, isFull } from '../state/making.ts';
import { compare } from '../state/picks.ts';

export function FamilyChart({ video }: { readonly video: Video }) {
  const family = familyOf(video).filter(({ status }) => status !== 'failed');
  const full = family.find((other) => isFull(other) && other.status === 'completed');
  const others = family.filter((other) => other.status === 'completed' && !isFull(other));
  const points = usePoints(full, others);
  if (!full)
    return <NoReference video={video} pending={family.some((other) => isFull(other) && isUnfinished(other))} />;
  return (
    <>
      {typeof points === 'string' ? (
        <p class="soft">{points}</p>
      ) : (
        <Tradeoff
          points={points ?? []}
          current={video.id}
          speedLabel="times fewer operations than full computation"
          choose={(id) => compare(full.id, id)}
        />
      )}
      <p class="soft note">
        Against the clip with full computation, which took {secondsOf(full)?.toFixed(1) ?? '?'} s. Likeness is measured
        here, on the decoded files. Choose a point to compare it with full computation.
      </p>
    </>
  );
}

function NoReference({ video, pending }: { readonly video: Video; readonly pending: boolean }) {
  return (
    <div class="no-reference">
      <p>
        {pending
          ? 'The clip with full computation is on its way; the chart appears with it.'
          : 'To say what was lost, the same clip is needed with everything computed.'}
      </p>
      {!pending && (
        <button type="button" class="accent" onClick={() => void alsoFull(video)}>
          <Icon name="full" />
          Also with full computation
        </button>
      )}
    </div>
  );
}

/** Measures clips against the full one; a message where that fails. */
function usePoints(full: Video | undefined, others: readonly Video[]): readonly Point[] | string | undefined {
  const [points, setPoints] = useState<readonly Point[] | string>();
  const key = [full, ...others].map((video) => video?.id).join();
  useEffect(() => {
    if (!full) return;
    let wanted = true;
    measure(full, others).then(
      (measured) => wanted && setPoints(measured),
      (error: unknown) => wanted && setPoints(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return points;
}

async function measure(full: Video, others: readonly Video[]): Promise<Point[]> {
  const reference = await framesOf(contentOf(full.id));
  const points: Point[] = [{ id: full.id, name: 'full', speed: 1, quality: equalDecibels }];
  for (const video of others) {
    const fidelity = fidelityOf(reference, await framesOf(contentOf(video.id)));
    const { speedup } = video.quantcache;
    if (fidelity && speedup !== null)
      points.push({ id: video.id, name: methodOf(video), speed: speedup, quality: fidelity.all });
  }
  return points;
}
