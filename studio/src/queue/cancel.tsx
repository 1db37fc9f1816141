/** Asks before a run is stopped by a key, as its work is lost. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Video } from '../api/types.ts';
import { cancel } from '../state/library.ts';

const asked = signal<Video | undefined>(undefined);

export function askToCancel(video: Video): void {
  asked.value = video;
}

export function CancelDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const video = asked.value;
  useEffect(() => {
    if (video) dialog.current?.showModal();
    else dialog.current?.close();
  }, [video]);
  const close = () => {
    asked.value = undefined;
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="cancel-title" onClose={close}>
      <h2 id="cancel-title">Cancel this clip?</h2>
      <p class="soft">{video?.prompt}</p>
      <div class="row">
        <button type="button" onClick={close}>
          Keep making it
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            if (video) void cancel(video);
            close();
          }}
        >
          Cancel it
        </button>
      </div>
    </dialog>
  );
}
