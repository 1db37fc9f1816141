/** On phones: which part of the page is shown. */
import { unfinished } from '../state/library.ts';
import { type Pane, pane } from '../state/route.ts';

const tabs: readonly { readonly pane: Pane; readonly label: string }[] = [
  { pane: 'make', label: 'Make' },
  { pane: 'watch', label: 'Watch' },
  { pane: 'queue', label: 'Queue' },
  { pane: 'history', label: 'History' },
];

export function Tabs() {
  return (
    <nav class="tabs" aria-label="Parts of the page">
      {tabs.map((tab) => (
        <button
          key={tab.pane}
          type="button"
          aria-current={pane.value === tab.pane ? 'page' : undefined}
          onClick={() => {
            pane.value = tab.pane;
            scrollTo(0, 0);
          }}
        >
          {tab.label}
          {tab.pane === 'queue' && unfinished.value.length > 0 && <b class="number">{unfinished.value.length}</b>}
        </button>
      ))}
    </nav>
  );
}
