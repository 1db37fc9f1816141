/** What few need: steps, guidance, sampler, rate, loops, sizes that are not offered. */
import { change } from '../state/draft.ts';
import type { FieldProps } from './field.ts';

export function More({ form, can }: FieldProps) {
  const { limits } = can;
  const [width = 0, height = 0] = form.size.split('x').map(Number);
  const sides = { min: limits.min_side, max: limits.max_side, step: 1 };
  const numbers = [
    { name: 'Width', value: width, ...sides, set: (side: number) => ({ size: `${side}x${height}` }) },
    { name: 'Height', value: height, ...sides, set: (side: number) => ({ size: `${width}x${side}` }) },
    { name: 'Steps', value: form.steps, min: 1, max: limits.max_steps, step: 1, set: (steps: number) => ({ steps }) },
    {
      name: 'Guidance',
      value: form.guidance,
      min: 0,
      max: limits.max_guidance_scale,
      step: 0.1,
      set: (guidance: number) => ({ guidance }),
    },
    { name: 'Frames per second', value: form.fps, ...can.fps, step: 'any', set: (fps: number) => ({ fps }) },
    { name: 'Loops', value: form.loops, min: 1, max: 8, step: 1, set: (loops: number) => ({ loops }) },
  ];
  return (
    <details class="more">
      <summary>More</summary>
      <div class="grid">
        {numbers.map(({ name, value, min, max, step, set }) => (
          <label key={name}>
            <span>{name}</span>
            <input
              type="number"
              class="number"
              {...{ value, min, max, step }}
              onChange={({ currentTarget }) => {
                // What is too much is asked for, too: the server says what it allows.
                if (currentTarget.value !== '') change(set(Number(currentTarget.value)));
              }}
            />
          </label>
        ))}
        <label class="across">
          <span>Sampler</span>
          <select value={form.sampler} onChange={({ currentTarget }) => change({ sampler: currentTarget.value })}>
            <option value="">{can.samplers[0]} (the model’s own)</option>
            {can.samplers.slice(1).map((sampler) => (
              <option key={sampler}>{sampler}</option>
            ))}
          </select>
        </label>
      </div>
    </details>
  );
}
