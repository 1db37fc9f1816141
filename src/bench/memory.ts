/**
 * The largest resident memory during a piece of work. Linux keeps a high-water mark that can be set back; elsewhere the
 * resident memory is sampled whenever asked to.
 */
import { readFileSync, writeFileSync } from 'node:fs';

export interface MemoryMeter {
  /** Call it now and then where the system keeps no mark. */
  sample(): void;
  /** Bytes, mapped weights included. */
  peak(): number;
}

/** Starts measuring. Memory that earlier work left behind counts. */
export function startMemoryMeter(): MemoryMeter {
  const exact = resetMark();
  let highest = 0;
  const sample = () => {
    highest = Math.max(highest, exact ? readMark() : process.memoryUsage.rss());
  };
  sample();
  return {
    sample,
    peak() {
      sample();
      return highest;
    },
  };
}

/** Sets the mark to the present (proc(5), clear_refs); false where the system does not let us. */
function resetMark(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return readMark() > 0;
  } catch {
    return false;
  }
}

function readMark(): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
}
