/**
 * Removes the time of writing from an mp4, so that the same video is the same bytes on every day. The muxer notes the
 * current time in `mvhd`, `tkhd` and `mdhd`; 0 means that it is not known. Reference: ISO/IEC 14496-12.
 */

/** Boxes that hold the boxes we look for. */
const containers = new Set(['moov', 'trak', 'mdia']);
const headers = new Set(['mvhd', 'tkhd', 'mdhd']);
/** Size, type, version and flags come before the two times. */
const timesAt = 12;

/** Sets creation and modification times to 0, in place. */
export function clearTimes(mp4: Uint8Array): void {
  clearIn(mp4, new DataView(mp4.buffer, mp4.byteOffset, mp4.byteLength), 0, mp4.byteLength);
}

function clearIn(mp4: Uint8Array, view: DataView, start: number, end: number): void {
  for (let box = start; box + 8 <= end; ) {
    const size = view.getUint32(box);
    const type = String.fromCharCode(...mp4.subarray(box + 4, box + 8));
    if (headers.has(type)) {
      const timeBytes = mp4[box + 8] === 1 ? 8 : 4;
      mp4.fill(0, box + timesAt, box + timesAt + 2 * timeBytes);
    }
    if (containers.has(type)) clearIn(mp4, view, box + 8, box + size);
    if (size < 8) return; // to the end of the file, or a 64-bit size: only `mdat` has those
    box += size;
  }
}
