/** The noise that a clip begins from. */
import { Icon } from '../components/icon.tsx';
import { change, type Draft, randomSeed } from '../state/draft.ts';

export function Seed({ form: { seed, seedLocked } }: { readonly form: Draft }) {
  return (
    <div class="field seed">
      <label class="title" for="seed">
        Seed
      </label>
      <input
        id="seed"
        class="number"
        inputMode="numeric"
        pattern="-?[0-9]+"
        required
        autocomplete="off"
        value={seed}
        onInput={({ currentTarget }) => change({ seed: currentTarget.value, seedLocked: true })}
      />
      <button
        type="button"
        class="icon"
        aria-label="Another seed"
        title="Another seed"
        onClick={() => change({ seed: randomSeed() })}
      >
        <Icon name="dice" />
      </button>
      <button
        type="button"
        class="icon"
        aria-label="Keep the seed"
        aria-pressed={seedLocked}
        title={seedLocked ? 'The seed stays (L)' : 'Every clip gets a new seed (L)'}
        onClick={() => change({ seedLocked: !seedLocked })}
      >
        <Icon name={seedLocked ? 'locked' : 'open'} />
      </button>
    </div>
  );
}
