/** The noise that a clip begins from. */
import { IconButton } from '../components/iconbutton.tsx';
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
      <IconButton icon="dice" label="Another seed" title="Another seed" act={() => change({ seed: randomSeed() })} />
      <IconButton
        icon={seedLocked ? 'locked' : 'open'}
        label="Keep the seed"
        title={seedLocked ? 'The seed stays (L)' : 'Every clip gets a new seed (L)'}
        pressed={seedLocked}
        act={() => change({ seedLocked: !seedLocked })}
      />
    </div>
  );
}
