/** The frames of an address, for components: there, not there yet, or why not. */
import { useEffect, useState } from 'preact/hooks';
import type { Frames } from './frames.ts';
import { framesOf } from './load.ts';

export interface Loading {
  readonly frames?: Frames;
  readonly error?: string;
}

export function useFrames(url: string | undefined): Loading {
  const [state, setState] = useState<Loading & { url?: string }>({});
  useEffect(() => {
    if (url === undefined) return;
    let wanted = true;
    framesOf(url).then(
      (frames) => wanted && setState({ url, frames }),
      (error: unknown) => wanted && setState({ url, error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      wanted = false;
    };
  }, [url]);
  return state.url === url ? state : {};
}
