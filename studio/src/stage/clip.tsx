/** A video on the stage, in whichever state it is. */

import { contentOf } from '../api/client.ts';
import type { Video } from '../api/types.ts';
import { Player } from '../components/clip/player.tsx';
import { isPlayable, methodOf, ratioOf } from '../names.ts';
import { isUnfinished } from '../state/library.ts';
import { Actions } from './actions.tsx';
import { Facts } from './facts.tsx';
import { Failed } from './failed.tsx';
import { Insights } from './insights.tsx';
import { Running } from './running.tsx';

export function ClipStage({ video }: { readonly video: Video }) {
  if (isUnfinished(video)) return <Running video={video} />;
  if (video.status === 'failed') return <Failed video={video} />;
  return (
    <article class="clip" style={{ '--ratio': ratioOf(video) }}>
      {isPlayable(video) ? (
        <Player
          url={contentOf(video.id)}
          label={`${video.prompt}, ${methodOf(video)}`}
          poster={<img class="screen pixels" src={contentOf(video.id, 'thumbnail')} alt="" />}
        />
      ) : (
        <div class="theatre">
          <img class="screen" src={contentOf(video.id)} alt={video.prompt} />
        </div>
      )}
      <div class="clip-head">
        <h2 class="title">{video.prompt}</h2>
        <Facts video={video} />
        <Actions video={video} />
      </div>
      <Insights video={video} />
    </article>
  );
}
