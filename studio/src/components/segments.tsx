/** One of a few: a group of radio buttons that looks like a switch. */
import { useId } from 'preact/hooks';

export interface SegmentsProps<Value> {
  readonly label: string;
  readonly options: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[];
  readonly value: Value;
  choose(value: Value): void;
}

export function Segments<Value extends string | number>({ label, options, value, choose }: SegmentsProps<Value>) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? 'on' : ''}>
          <input
            type="radio"
            class="unseen"
            name={name}
            checked={option.value === value}
            onChange={() => choose(option.value)}
          />
          <span>{option.label}</span>
          {option.hint && <small class="number">{option.hint}</small>}
        </label>
      ))}
    </fieldset>
  );
}
