/** Numbers about the server in the text format of Prometheus. */
import type { JobQueue } from '../queue.ts';
import type { ServeContext } from './context.ts';
import type { Streams } from './stream.ts';

export interface Metrics {
  text(): Promise<string>;
}

interface Sum {
  count: number;
  seconds: number;
}

/** Counts from now on. */
export function createMetrics(serve: ServeContext, streams: Streams): Metrics {
  const ended = countEnds(serve.queue);
  return {
    async text() {
      const { waiting, running } = await serve.queue.size();
      const rows: (readonly [name: string, type: string, help: string, values: Readonly<Record<string, number>>])[] = [
        ['quantcache_jobs_waiting', 'gauge', 'Jobs that wait', { '': waiting }],
        ['quantcache_jobs_running', 'gauge', 'Jobs that run', { '': running }],
        ['quantcache_jobs_total', 'counter', 'Jobs that ended', mapped(ended.sums, ({ count }) => count)],
        [
          'quantcache_job_seconds_total',
          'counter',
          'Seconds that they ran',
          mapped(ended.sums, ({ seconds }) => seconds),
        ],
        ['quantcache_engine_crashes_total', 'counter', 'Engines that ended unasked', { '': serve.crashes() }],
        ['quantcache_event_streams', 'gauge', 'Open event streams', { '': streams.count }],
        [
          'process_resident_memory_bytes',
          'gauge',
          'Memory of the server without engines',
          { '': process.memoryUsage.rss() },
        ],
      ];
      const lines = rows.flatMap(([name, type, help, values]) => [
        `# HELP ${name} ${help}.`,
        `# TYPE ${name} ${type}`,
        ...Object.entries(values).map(([labels, value]) => `${name}${labels} ${value}`),
      ]);
      return `${lines.join('\n')}\n`;
    },
  };
}

function countEnds(queue: JobQueue): { readonly sums: ReadonlyMap<string, Sum> } {
  const sums = new Map<string, Sum>();
  queue.subscribe((event) => {
    if (event.type !== 'completed' && event.type !== 'failed') return;
    const { type, job } = event;
    const labels = `{status="${type}",code="${job.error?.code ?? ''}"}`;
    const sum = sums.get(labels) ?? { count: 0, seconds: 0 };
    sum.count++;
    if (job.startedAt !== undefined && job.completedAt !== undefined)
      sum.seconds += (job.completedAt - job.startedAt) / 1000;
    sums.set(labels, sum);
  });
  return { sums };
}

const mapped = (sums: ReadonlyMap<string, Sum>, value: (sum: Sum) => number): Record<string, number> =>
  Object.fromEntries([...sums].map(([labels, sum]) => [labels, value(sum)]));
