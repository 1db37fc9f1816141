/** The page: making on the left, the stage on the right, history below; on phones one of them at a time. */
import { useEffect } from 'preact/hooks';
import { History } from './history/history.tsx';
import { Composer } from './make/composer.tsx';
import { Queue } from './queue/queue.tsx';
import { DropZone } from './shell/drop.tsx';
import { Header } from './shell/header.tsx';
import { Help } from './shell/help.tsx';
import { useKeys } from './shell/keys.ts';
import { Notices } from './shell/notices.tsx';
import { Tabs } from './shell/tabs.tsx';
import { Unreachable } from './shell/unreachable.tsx';
import { Stage } from './stage/stage.tsx';
import { openLibrary } from './state/library.ts';
import { pane } from './state/route.ts';
import { capabilities, failure, openServer } from './state/server.ts';

export function App() {
  useEffect(() => {
    let close: (() => void) | undefined;
    void openServer().then((open) => {
      if (open) close = openLibrary();
    });
    return () => close?.();
  }, []);
  useKeys();
  return (
    <div class="app" data-pane={pane.value}>
      <button type="button" class="skip" onClick={() => document.getElementById('prompt')?.focus()}>
        To the prompt
      </button>
      <Header />
      {failure.value !== undefined && <Unreachable reason={failure.value} />}
      {capabilities.value && (
        <main class="panes">
          <div class="bench">
            <div class="side">
              <Composer />
              <Queue />
            </div>
            <Stage />
          </div>
          <History />
        </main>
      )}
      <Tabs />
      <Notices />
      <Help />
      <DropZone />
    </div>
  );
}
