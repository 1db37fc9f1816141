/** What the page tells: a line that is shown for a while, and read by screen readers. */
import { signal } from '@preact/signals';
import { ApiError } from '../api/client.ts';

export interface Notice {
  readonly id: number;
  readonly text: string;
  /** `quiet`: the page shows it elsewhere, so it is only read aloud. */
  readonly kind: 'news' | 'quiet' | 'refusal';
}

export const notices = signal<readonly Notice[]>([]);
let next = 0;

/** Shows a line of news. */
export const say = (text: string): void => show(text, 'news');

/** Says what the page shows already to those who do not see it. */
export const whisper = (text: string): void => show(text, 'quiet');

/** Shows why something could not be done. */
export function refused(error: unknown): void {
  show(error instanceof ApiError || error instanceof Error ? error.message : String(error), 'refusal');
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function show(text: string, kind: Notice['kind']): void {
  const id = ++next;
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { id, text, kind }].slice(-3);
  setTimeout(() => dismiss(id), kind === 'refusal' ? 12_000 : 4000);
}
