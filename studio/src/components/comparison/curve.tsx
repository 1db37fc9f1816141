/** The likeness of two clips frame by frame, as a curve to click into. */
import type { Clock } from '../clip/clock.ts';
import { decibels, equalDecibels } from './fidelity.ts';

const height = 56;
const width = 600;
const margin = 6;

export function Curve({ frames, clock }: { readonly frames: readonly number[]; readonly clock: Clock }) {
  const finite = frames.filter((ratio) => ratio < equalDecibels);
  const low = Math.min(...finite, 40) - 2;
  const high = Math.max(...finite, low + 6) + 2;
  const x = (frame: number) => margin + (frame / Math.max(1, frames.length - 1)) * (width - 2 * margin);
  const y = (ratio: number) => height - margin - ((Math.min(ratio, high) - low) / (high - low)) * (height - 2 * margin);
  const points = frames.map((ratio, frame) => `${x(frame).toFixed(1)},${y(ratio).toFixed(1)}`);
  const now = clock.frame.value;
  return (
    <figure class="curve">
      <figcaption>
        <span>PSNR, frame by frame</span>
        <b class="number">{decibels(frames[now] ?? frames[0]!)}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        onClick={({ currentTarget, clientX }) => {
          const box = currentTarget.getBoundingClientRect();
          clock.seek(Math.round(((clientX - box.left) / box.width) * (frames.length - 1)));
        }}
      >
        <polygon points={`${x(0)},${height} ${points.join(' ')} ${x(frames.length - 1)},${height}`} />
        <polyline points={points.join(' ')} />
        <line x1={x(now)} x2={x(now)} y1="0" y2={height} />
      </svg>
    </figure>
  );
}
