/** How large and how long. */
import { change, mostFrames } from '../state/draft.ts';
import type { FieldProps } from './field.ts';

/** Sides of the little pictures of shapes, at most. */
const shape = 13;

export function Size({ form, can }: FieldProps) {
  // A size from a dropped clip may be none of those offered.
  const sizes = can.sizes.includes(form.size) ? can.sizes : [form.size, ...can.sizes];
  return (
    <fieldset class="field size">
      <legend>Size</legend>
      <div class="chips">
        {sizes.map((size) => {
          const [width = 1, height = 1] = size.split('x').map(Number);
          const scale = shape / Math.max(width, height);
          return (
            <label key={size} class={`chip ${size === form.size ? 'on' : ''}`}>
              <input
                type="radio"
                class="unseen"
                name="size"
                checked={size === form.size}
                onChange={() => change({ size })}
              />
              <i style={{ width: `${width * scale}px`, height: `${height * scale}px` }} aria-hidden="true" />
              <span class="number">{size.replace('x', '×')}</span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}

export function Length({ form, can }: FieldProps) {
  const step = can.frame_multiple;
  const most = mostFrames(form, can);
  const seconds = form.frames / form.fps;
  return (
    <label class="field length">
      <span class="title">Length</span>
      <output class="number">
        {seconds.toFixed(seconds < 10 ? 1 : 0)} s<i> · {form.frames} frames</i>
      </output>
      <input
        type="range"
        min={Math.min(step, most)}
        max={most}
        step={step}
        value={form.frames}
        aria-valuetext={`${form.frames} frames, ${seconds.toFixed(1)} seconds`}
        style={{ '--done': `${most > step ? (100 * (form.frames - step)) / (most - step) : 100}%` }}
        onInput={({ currentTarget }) => change({ frames: Number(currentTarget.value) })}
      />
    </label>
  );
}
