/**
 * The decision map: steps across, modules of the network down, coloured by what was done. Pointing at a cell, or walking to
 * it with the arrow keys, says what was done and why. The same is there as a table.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TraceDocument } from '../../../../src/trace/document.ts';
import { useWidth } from '../usewidth.ts';
import { type Fill, type Grid, gridOf } from './grid.ts';
import { cellAt, coloursOf, layoutOf, paint } from './paint.ts';
import { type PolicyOptions, reasonOf } from './reasons.ts';
import { MapTable } from './table.tsx';

export interface DecisionMapProps {
  readonly trace: TraceDocument;
  /** What the policy was told; makes the reasons fuller. */
  readonly options?: PolicyOptions;
}

interface Place {
  readonly row: number;
  readonly step: number;
}

const meanings: Record<Fill, string> = {
  fp32: 'computed, fp32',
  w8a8: 'computed, 8 bits',
  w4a8: 'computed, 4-bit weights',
  w4a6: 'computed, 4 and 6 bits',
  'reused-step': 'step leapt over',
  'reused-segment': 'segment reused',
  'reused-block': 'block reused',
  'reused-module': 'module reused',
  skipped: 'skipped',
  unknown: 'inside of what was reused',
};

export function DecisionMap({ trace, options }: DecisionMapProps) {
  const grid = useMemo(() => gridOf(trace), [trace]);
  const [place, setPlace] = useState<Place>();
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const layout = useMemo(() => layoutOf(grid, width), [grid, width]);
  const walk = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    setPlace(({ row, step } = { row: 0, step: -1 }) => ({
      row: clamp(row + by[0]!, grid.rows.length),
      step: clamp(step + by[1]!, grid.numSteps),
    }));
  };
  return (
    <div class="map">
      <div
        ref={frame}
        class="map-frame"
        role="group"
        aria-label="Decision map: steps across, modules down. Walk through it with the arrow keys."
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys walk through it
        tabIndex={0}
        onKeyDown={walk}
        onPointerMove={({ currentTarget, clientX, clientY }) => {
          const box = currentTarget.getBoundingClientRect();
          setPlace(cellAt(layout, clientX - box.left, clientY - box.top));
        }}
        onPointerLeave={() => setPlace(undefined)}
        onBlur={() => setPlace(undefined)}
      >
        {width > 0 && <Cells grid={grid} width={width} />}
        {place && layout.rows[place.row] && (
          <span
            class="map-mark"
            style={{
              left: `${place.step * layout.cell}px`,
              top: `${layout.rows[place.row]!.top}px`,
              width: `${layout.cell}px`,
              height: `${layout.rows[place.row]!.height}px`,
            }}
          />
        )}
      </div>
      <Axis count={grid.numSteps} />
      <Explanation trace={trace} grid={grid} place={place} options={options} />
      <Legend grid={grid} />
      <MapTable grid={grid} />
    </div>
  );
}

function Cells({ grid, width }: { readonly grid: Grid; readonly width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const layout = useMemo(() => layoutOf(grid, width), [grid, width]);
  useEffect(() => {
    const draw = () => {
      const element = canvas.current;
      const context = element?.getContext('2d');
      if (!element || !context) return;
      const ratio = devicePixelRatio;
      element.width = Math.round(layout.width * ratio);
      element.height = Math.round(layout.height * ratio);
      context.scale(ratio, ratio);
      paint(context, grid, layout, coloursOf(element));
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const watcher = new MutationObserver(draw);
    watcher.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    scheme.addEventListener('change', draw);
    return () => {
      watcher.disconnect();
      scheme.removeEventListener('change', draw);
    };
  }, [grid, layout]);
  return <canvas ref={canvas} class="map-cells" style={{ height: `${layout.height}px` }} aria-hidden="true" />;
}

function Axis({ count }: { readonly count: number }) {
  const every = Math.ceil(count / 6 / 5) * 5;
  const marks = Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
  return (
    <div class="map-axis number" aria-hidden="true">
      {marks.map((step) => (
        <span key={step} style={{ left: `${(100 * step) / count}%` }}>
          {step}
        </span>
      ))}
      <em>step</em>
    </div>
  );
}

function Explanation(props: DecisionMapProps & { readonly grid: Grid; readonly place?: Place }) {
  const { trace, grid, place, options } = props;
  if (!place)
    return <p class="map-reason soft">Point at a cell, or walk with the arrow keys, to see what was done and why.</p>;
  const { what, why } = reasonOf(trace, grid, place, options);
  return (
    <p class="map-reason" aria-live="polite">
      <b class="number">
        {place.step} · {grid.rows[place.row]!.name}
      </b>
      <span>{what}</span>
      {why.map((line) => (
        <span class="soft" key={line}>
          {line}
        </span>
      ))}
    </p>
  );
}

function Legend({ grid }: { readonly grid: Grid }) {
  const fills = useMemo(() => [...new Set(grid.cells.flat().map(({ fill }) => fill))].sort(), [grid]);
  return (
    <ul class="legend">
      {fills.map((fill) => (
        <li key={fill} data-fill={fill}>
          {meanings[fill]}
        </li>
      ))}
    </ul>
  );
}

const clamp = (value: number, count: number) => Math.min(Math.max(value, 0), count - 1);
