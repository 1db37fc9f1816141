/** A button that is an icon; `label` says to those who do not see it what it does, `title` to those who point at it. */
import { Icon, type IconName } from './icon.tsx';

export interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly title?: string;
  /** For what is on or off. */
  readonly pressed?: boolean;
  act(): void;
}

export function IconButton({ icon, label, title, pressed, act }: IconButtonProps) {
  return (
    <button type="button" class="icon" aria-label={label} aria-pressed={pressed} title={title} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}
