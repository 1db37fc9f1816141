/** Lines of news, shown for a while and read aloud. */
import { IconButton } from '../components/iconbutton.tsx';
import { dismiss, notices } from '../state/notices.ts';

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, kind }) => (
        <p key={id} class={kind === 'quiet' ? 'unseen' : ''} data-kind={kind}>
          {text}
          {kind !== 'quiet' && <IconButton icon="close" label="Dismiss" act={() => dismiss(id)} />}
        </p>
      ))}
    </div>
  );
}
