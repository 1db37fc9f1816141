/** The stage before anything was made. */
import { change } from '../state/draft.ts';
import { makeDraft } from '../state/making.ts';
import { capabilities, model } from '../state/server.ts';

/** What the embedded model was trained to show. */
const examples = [
  'a large red star moves right over a blue background',
  'a small white circle spins over a black background',
  'a large green triangle grows over a starry night',
];

export function Welcome() {
  if (!capabilities.value) return null;
  return (
    <div class="welcome">
      <h2>What shall move?</h2>
      <p class="soft">
        Clips are made on this machine by <b>{model.value?.id}</b>. Steps that would change little are not computed; you
        see which, and can check what that cost.
      </p>
      <ul>
        {examples.map((prompt) => (
          <li key={prompt}>
            <button
              type="button"
              onClick={() => {
                change({ prompt });
                void makeDraft();
              }}
            >
              {prompt}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
