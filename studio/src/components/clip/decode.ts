/** Frames by WebCodecs, and what a clip's file says of its making. Loaded when the first clip is shown. */
import { BlobSource, Input, MP4, VideoSampleSink, WEBM } from 'mediabunny';
import { type Frames, scaleFor } from './frames.ts';

const formats = [MP4, WEBM];

/** Decodes a clip. */
export async function decode(blob: Blob): Promise<Frames> {
  using input = new Input({ source: new BlobSource(blob), formats });
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new Error('The file holds no video.');
  if (!(await track.canDecode())) throw new Error(`This browser cannot decode ${track.codec ?? 'this'} video.`);
  const { packetCount, averagePacketRate } = await track.computePacketStats();
  const { displayWidth, displayHeight } = track;
  const scale = scaleFor(displayWidth, displayHeight, packetCount);
  const width = Math.round(displayWidth * scale);
  const height = Math.round(displayHeight * scale);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  const images: ImageBitmap[] = [];
  for await (const sample of new VideoSampleSink(track).samples()) {
    sample.draw(context, 0, 0, width, height);
    sample.close();
    images.push(canvas.transferToImageBitmap());
  }
  return { images, width, height, fps: averagePacketRate, reduced: scale < 1 };
}

/** The comment in a clip's file, where QuantCache writes how it was made. */
export async function commentOf(blob: Blob): Promise<string | undefined> {
  using input = new Input({ source: new BlobSource(blob), formats });
  return (await input.getMetadataTags()).comment;
}
