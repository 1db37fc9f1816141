/** What runs and what waits. */
import { unfinished } from '../state/library.ts';
import { CancelDialog } from './cancel.tsx';
import { Job } from './job.tsx';

export function Queue() {
  const jobs = unfinished.value;
  return (
    <section class="queue" aria-label="Queue" data-empty={jobs.length === 0}>
      <header>
        <h2>Queue</h2>
        {jobs.length > 0 && <span class="soft number">{jobs.length}</span>}
      </header>
      {jobs.length === 0 && (
        <p class="soft note">Nothing waits. What you make lines up here, also while this tab is closed.</p>
      )}
      <ol>
        {jobs.map((video) => (
          <Job key={video.id} video={video} />
        ))}
      </ol>
      <CancelDialog />
    </section>
  );
}
