/** The keys, and what may be dropped. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from '../components/iconbutton.tsx';

export const help = signal(false);

const keys = [
  ['Ctrl Enter', 'make the clip'],
  ['Space', 'play or pause'],
  [', .', 'one frame back or on'],
  ['L', 'lock the seed'],
  ['C', 'compare the clip on the stage with the next one you pick'],
  ['Esc', 'cancel the run on the stage (asks first), or leave a comparison'],
  ['/', 'search the history'],
  ['?', 'this'],
] as const;

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = help.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = () => {
    help.value = false;
  };
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <header>
        <h2 id="help-title">Keys</h2>
        <IconButton icon="close" label="Close" act={close} />
      </header>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">
        Drop an mp4 that QuantCache made anywhere on the page to get its settings back. Drop a picture to make it the
        first frame.
      </p>
    </dialog>
  );
}
