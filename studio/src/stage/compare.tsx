/** Two clips on the stage. */
import { contentOf } from '../api/client.ts';
import type { Video } from '../api/types.ts';
import { Comparison } from '../components/comparison/comparison.tsx';
import { Icon } from '../components/icon.tsx';
import { apart, methodOf, secondsOf } from '../names.ts';
import { compare, picks } from '../state/picks.ts';
import { go } from '../state/route.ts';

export function CompareStage({ a, b }: { readonly a: Video; readonly b: Video }) {
  const [first, second] = apart(a, b);
  const rows = [
    ['made by', methodOf(a), methodOf(b)],
    ['took', timeOf(a), timeOf(b)],
    ['steps computed', computedOf(a), computedOf(b)],
    ['operations', fewerOf(a), fewerOf(b)],
    ['seed', String(a.quantcache.seed), String(b.quantcache.seed)],
  ];
  return (
    <article class="clip">
      <Comparison a={{ url: contentOf(a.id), name: first }} b={{ url: contentOf(b.id), name: second }} />
      <div class="clip-head">
        <h2 class="title">{a.prompt}</h2>
        {b.prompt !== a.prompt && <p class="soft">B: {b.prompt}</p>}
        <table class="versus">
          <thead>
            <tr>
              <td />
              <th scope="col">A</th>
              <th scope="col">B</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, left, right]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{left}</td>
                <td class={`number ${left === right ? 'soft' : ''}`}>{right}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div class="actions">
          <button type="button" onClick={() => compare(b.id, a.id)}>
            <Icon name="reuse" />
            Swap
          </button>
          <button
            type="button"
            onClick={() => {
              picks.value = [];
              go({ at: 'clip', id: b.id });
            }}
          >
            <Icon name="close" />
            Done
          </button>
        </div>
      </div>
    </article>
  );
}

const timeOf = (video: Video) => {
  const seconds = secondsOf(video);
  return seconds === undefined ? '–' : `${seconds.toFixed(2)} s`;
};
const computedOf = ({ quantcache: { steps } }: Video) =>
  steps ? `${steps.filter((did) => did !== 'reused').length} of ${steps.length}` : '–';
const fewerOf = ({ quantcache: { speedup } }: Video) =>
  speedup === null ? '–' : speedup <= 1 ? 'all' : `${speedup.toFixed(1)}× fewer`;
