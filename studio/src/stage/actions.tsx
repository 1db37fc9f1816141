/** What can be done with a clip. */
import { contentOf } from '../api/client.ts';
import type { Video } from '../api/types.ts';
import { Icon, type IconName } from '../components/icon.tsx';
import { IconButton } from '../components/iconbutton.tsx';
import { use } from '../state/draft.ts';
import { isUnfinished, remove } from '../state/library.ts';
import { alsoFull, familyOf, isFull, requestOfVideo, variations, vary } from '../state/making.ts';
import { say } from '../state/notices.ts';
import { compare, pick } from '../state/picks.ts';
import { go, pane } from '../state/route.ts';

export function Actions({ video }: { readonly video: Video }) {
  const full = familyOf(video).find((other) => isFull(other) && other.status !== 'failed');
  return (
    <div class="actions">
      {!isFull(video) && <FullAction video={video} full={full} />}
      <Action
        icon="reuse"
        label="Use these settings"
        act={() => {
          use(requestOfVideo(video));
          pane.value = 'make';
          say('Settings taken over.');
        }}
      />
      <Action icon="four" label={`${variations} variations`} act={() => void vary(video)} />
      <Action
        icon="compare"
        label="Compare"
        act={() => {
          pick(video.id);
          pane.value = 'history';
          say('Pick the clip to compare it with.');
        }}
      />
      <span class="spread" />
      <a class="button icon" href={contentOf(video.id)} download={nameOf(video)} aria-label="Download" title="Download">
        <Icon name="download" />
      </a>
      <IconButton
        icon="trash"
        label="Delete"
        title="Delete"
        act={() => {
          if (confirm('Delete this clip and its files?')) {
            void remove(video);
            go({ at: 'home' }, { quiet: true });
          }
        }}
      />
    </div>
  );
}

/** Makes the clip with full computation, or compares with it where it is there. */
function FullAction({ video, full }: { readonly video: Video; readonly full?: Video }) {
  if (!full) return <Action accent icon="full" label="Also with full computation" act={() => void alsoFull(video)} />;
  if (isUnfinished(full))
    return <Action icon="full" label="Full computation is on its way" act={() => go({ at: 'clip', id: full.id })} />;
  return <Action accent icon="compare" label="Compare with full" act={() => compare(full.id, video.id)} />;
}

interface ActionProps {
  readonly icon: IconName;
  readonly label: string;
  readonly accent?: boolean;
  act(): void;
}

function Action({ icon, label, accent = false, act }: ActionProps) {
  return (
    <button type="button" class={accent ? 'accent' : ''} onClick={act}>
      <Icon name={icon} />
      {label}
    </button>
  );
}

/** A file name that says what the clip shows. */
function nameOf({ prompt, quantcache: { seed, output_format } }: Video): string {
  const words = prompt
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 60);
  return `${words || 'clip'}-${seed}.${output_format}`;
}
