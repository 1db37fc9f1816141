/** Speed against quality of clips made from one prompt and seed: what each saved, and what that cost. */
import { useRef } from 'preact/hooks';
import { decibels, equalDecibels } from '../comparison/fidelity.ts';
import { useWidth } from '../usewidth.ts';
import { type Label, placeLabels } from './labels.ts';
import { scale, speedTicks, ticks } from './scale.ts';

/** A clip on the chart. */
export interface Point {
  readonly id: string;
  readonly name: string;
  /** Times as fast as the reference. */
  readonly speed: number;
  /** Decibels against the reference. */
  readonly quality: number;
}

export interface TradeoffProps {
  readonly points: readonly Point[];
  /** The one that is on the stage. */
  readonly current?: string;
  /** What the axis of speed counts, such as "times as fast as full computation". */
  readonly speedLabel: string;
  choose(id: string): void;
}

const margins = { left: 34, right: 72, top: 20, bottom: 42 };
/** So that texts stay as large as they are elsewhere, the chart is drawn as wide as it is shown. */
const widest = 760;
const height = 280;

export function Tradeoff({ points, current, speedLabel, choose }: TradeoffProps) {
  const place = useRef<HTMLElement>(null);
  const width = Math.min(useWidth(place) || widest, widest);
  const frame = { ...margins, width, height };
  const finite = points.map(({ quality }) => quality).filter((quality) => quality < equalDecibels);
  const low = Math.floor(Math.min(...finite, 30) - 2);
  const high = Math.ceil(Math.max(...finite, low + 10) + 3);
  const speeds = points.map(({ speed }) => speed);
  const span: [number, number] = [Math.min(1, ...speeds) * 0.93, Math.max(2, ...speeds) * 1.12];
  const x = scale(span, [frame.left, frame.width - frame.right], true);
  const y = scale([low, high], [frame.height - frame.bottom, frame.top]);
  const bottom = frame.height - frame.bottom;
  const places = points.map((point) => ({ x: x(point.speed), y: y(Math.min(point.quality, high)) }));
  const labels = placeLabels(
    points.map((point, i) => ({ ...places[i]!, width: widthOf(point) })),
    { left: frame.left, top: 0, right: frame.width, bottom },
  );
  return (
    <figure class="tradeoff" ref={place}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        role="group"
        aria-label="Speed against quality"
      >
        {ticks(low, high).map((tick) => (
          <g key={tick}>
            <line x1={frame.left} x2={frame.width - frame.right} y1={y(tick)} y2={y(tick)} />
            <text x={frame.left - 8} y={y(tick) + 4} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
        {speedTicks(...span).map((tick) => (
          <text key={tick} x={x(tick)} y={bottom + 17} text-anchor="middle">
            {tick}×
          </text>
        ))}
        <text class="unit" x={4} y={11}>
          dB
        </text>
        <text class="unit" x={frame.width - frame.right} y={frame.height - 4} text-anchor="end">
          {speedLabel}
        </text>
        {points.map((point, i) => (
          <Dot
            key={point.id}
            point={point}
            {...places[i]!}
            label={labels[i]}
            current={point.id === current}
            choose={choose}
          />
        ))}
      </svg>
    </figure>
  );
}

interface DotProps {
  readonly point: Point;
  readonly x: number;
  readonly y: number;
  readonly label?: Label;
  readonly current: boolean;
  choose(id: string): void;
}

function Dot({ point, x, y, label, current, choose }: DotProps) {
  const { id, name } = point;
  const { anchor, dx, dy } = label ?? { anchor: 'middle', dx: 0, dy: -24 };
  return (
    <g
      class={`point ${current ? 'current' : ''} ${label ? '' : 'crowded'}`}
      transform={`translate(${x} ${y})`}
      role="button"
      tabIndex={0}
      onClick={() => choose(id)}
      onKeyDown={({ key }) => (key === 'Enter' || key === ' ') && choose(id)}
    >
      <circle r="14" class="hit" />
      <circle r="6" />
      <text x={dx} y={dy} text-anchor={anchor}>
        {name}
      </text>{' '}
      <text class="value" x={dx} y={dy + 13} text-anchor={anchor}>
        {measureOf(point)}
      </text>
    </g>
  );
}

const measureOf = ({ speed, quality }: Point): string =>
  quality >= equalDecibels && speed === 1 ? 'reference' : `${speed.toFixed(1)}× · ${decibels(quality)}`;

/** About how wide a name and its value are. */
const widthOf = (point: Point): number => Math.max(point.name.length * 7, measureOf(point).length * 6.2);
