/** A clip in numbers. */
import type { Video } from '../api/types.ts';
import { ago, methodOf, secondsOf } from '../names.ts';

export function Facts({ video }: { readonly video: Video }) {
  const { size, created_at, quantcache } = video;
  const { seed, num_frames, fps, steps, speedup, precision, estimated_quality, warnings } = quantcache;
  const seconds = secondsOf(video);
  const computed = steps?.filter((did) => did !== 'reused').length;
  const facts: (readonly [name: string, value: string] | undefined | false)[] = [
    ['made by', methodOf(video)],
    precision !== null && ['precision', precision],
    computed !== undefined && ['steps computed', `${computed} of ${steps!.length}`],
    speedup !== null && ['operations', speedup <= 1 ? 'all' : `${speedup.toFixed(1)}× fewer`],
    estimated_quality !== null && ['own estimate', `${Math.round(estimated_quality)} dB`],
    seconds !== undefined && ['took', `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`],
    ['seed', String(seed)],
    ['clip', `${size.replace('x', '×')}, ${num_frames} frames, ${fps}/s`],
    ['made', ago(created_at)],
  ];
  return (
    <>
      <dl class="facts">
        {facts
          .filter((fact) => fact !== undefined && fact !== false)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="number">{value}</dd>
            </div>
          ))}
      </dl>
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
    </>
  );
}
