/** How wide an element is, in CSS pixels; 0 before it is laid out. */
import { useEffect, useState } from 'preact/hooks';

export function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    if (element.current) watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [element]);
  return width;
}
