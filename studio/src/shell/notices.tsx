/** Lines of news, shown for a while and read aloud. */
import { Icon } from '../components/icon.tsx';
import { dismiss, notices } from '../state/notices.ts';

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, kind }) => (
        <p key={id} class={kind === 'quiet' ? 'unseen' : ''} data-kind={kind}>
          {text}
          {kind !== 'quiet' && (
            <button type="button" class="icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
              <Icon name="close" />
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
