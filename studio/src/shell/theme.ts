/** Light, dark, or as the system is; remembered in this browser. */
import { effect, signal } from '@preact/signals';

const themes = ['system', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

export const theme = signal<Theme>(themes.find((name) => name === remembered()) ?? 'system');

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length]!;
}

function remembered(): string | null {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null;
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem('theme', theme.value);
  } catch {
    // storage is off: the choice lasts as long as the page
  }
});
