/** `quantcache/video`: frames, files and what they say about their making. */
export { type Clip, concatFrames } from '../clip.ts';
export { contactSheet } from '../video/contactsheet.ts';
export { type Frames, frameAt, framesOf, framesToTensor, makeFrames } from '../video/frames.ts';
export { readMetadata, type VideoMetadata } from '../video/metadata.ts';
export { findSharp } from '../video/peer.ts';
export { resizeToFill } from '../video/resample.ts';
export { assertFormat, assertWritable, videoExtensions } from '../video/save.ts';
