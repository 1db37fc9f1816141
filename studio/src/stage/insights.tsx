/** What the run decided, and how it compares with others of its prompt and seed. */
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { getTrace } from '../api/client.ts';
import type { TraceDocument, Video } from '../api/types.ts';
import { DecisionMap } from '../components/map/decisionmap.tsx';
import { Segments } from '../components/segments.tsx';
import { FamilyChart } from './family.tsx';

const tabs = [
  { value: 'decisions', label: 'Decisions' },
  { value: 'tradeoff', label: 'Speed and quality' },
] as const;

export function Insights({ video }: { readonly video: Video }) {
  const tab = useSignal<(typeof tabs)[number]['value']>('decisions');
  return (
    <section class="insights" aria-label="Insights">
      <Segments
        label="Insights"
        options={tabs}
        value={tab.value}
        choose={(value) => {
          tab.value = value;
        }}
      />
      {tab.value === 'tradeoff' && <FamilyChart video={video} />}
      {tab.value === 'decisions' &&
        (video.quantcache.variants.includes('trace') ? (
          <TraceMap video={video} />
        ) : (
          <p class="soft">This clip was made without a trace.</p>
        ))}
    </section>
  );
}

function TraceMap({ video }: { readonly video: Video }) {
  const [trace, setTrace] = useState<TraceDocument | string>();
  useEffect(() => {
    let wanted = true;
    getTrace(video.id).then(
      (document) => wanted && setTrace(document),
      (error: unknown) => wanted && setTrace(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      wanted = false;
    };
  }, [video.id]);
  if (trace === undefined) return <div class="map-frame waiting" aria-busy="true" />;
  if (typeof trace === 'string') return <p class="soft">{trace}</p>;
  return <DecisionMap trace={trace} options={video.quantcache.policy_options ?? undefined} />;
}
