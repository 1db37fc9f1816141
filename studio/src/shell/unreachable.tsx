/** Instead of the page where the server does not answer, or asks for a key first. */
import { refused } from '../state/notices.ts';
import { locked, unlock } from '../state/server.ts';

export function Unreachable({ reason }: { readonly reason: string }) {
  return (
    <main class="unreachable">
      <h1>{locked.value ? 'Which key?' : 'Nobody is home.'}</h1>
      <p>{reason}</p>
      {locked.value ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const key = new FormData(event.currentTarget).get('key');
            unlock(String(key)).catch(refused);
          }}
        >
          <input name="key" type="password" required autocomplete="current-password" aria-label="Key" />
          <button type="submit" class="primary">
            Open
          </button>
        </form>
      ) : (
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      )}
    </main>
  );
}
