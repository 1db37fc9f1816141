/** The form: what to show, how fast, how large, from which seed. */
import { Icon } from '../components/icon.tsx';
import { change, draft, settled } from '../state/draft.ts';
import { makeDraft, variations } from '../state/making.ts';
import { model } from '../state/server.ts';
import { AimChoice } from './aim.tsx';
import { More } from './more.tsx';
import { Prompt } from './prompt.tsx';
import { Seed } from './seed.tsx';
import { Length, Size } from './size.tsx';

export function Composer() {
  const can = model.value?.quantcache;
  if (!can) return null;
  const form = settled(draft.value, can);
  return (
    <form
      class="composer"
      aria-label="Make a clip"
      // The server says what is wrong, also of fields that are folded away.
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void makeDraft();
      }}
    >
      <Prompt form={form} can={can} />
      <AimChoice aim={form.aim} can={can} choose={(aim) => change({ aim })} />
      <Size form={form} can={can} />
      <Length form={form} can={can} />
      <Seed form={form} />
      <More form={form} can={can} />
      <div class="makes">
        <button type="submit" class="primary">
          Make
          <kbd aria-hidden="true">Ctrl ⏎</kbd>
        </button>
        <button
          type="button"
          class="all-four"
          title="Four clips with seeds that follow each other"
          onClick={() => void makeDraft(variations)}
        >
          <Icon name="four" />
          {variations} variations
        </button>
      </div>
    </form>
  );
}
