/** Frames by a video element that seeks: slower, and there where WebCodecs is not. */
import { type Frames, scaleFor } from './frames.ts';

/** What players assume where a file's rate cannot be asked for. */
const assumedRate = 8;

/** Frames of the clip at an address. */
export async function framesBySeeking(url: string, fps = assumedRate): Promise<Frames> {
  const video = Object.assign(document.createElement('video'), { muted: true, preload: 'auto', src: url });
  await until(video, 'loadeddata');
  const count = Math.max(1, Math.round(video.duration * fps));
  const scale = scaleFor(video.videoWidth, video.videoHeight, count);
  const width = Math.round(video.videoWidth * scale);
  const height = Math.round(video.videoHeight * scale);
  const images: ImageBitmap[] = [];
  for (let i = 0; i < count; i++) {
    video.currentTime = (i + 0.5) / fps;
    await until(video, 'seeked');
    images.push(await createImageBitmap(video, { resizeWidth: width, resizeHeight: height }));
  }
  return { images, width, height, fps, reduced: scale < 1 };
}

function until(video: HTMLVideoElement, event: 'loadeddata' | 'seeked'): Promise<void> {
  return new Promise((done, fail) => {
    video.addEventListener(event, () => done(), { once: true });
    video.addEventListener('error', () => fail(new Error('This browser cannot play the clip.')), { once: true });
  });
}
