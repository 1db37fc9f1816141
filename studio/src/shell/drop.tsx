/** Files dropped or pasted on the page: a clip gives its settings back, a picture becomes the first frame. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { requestInFile } from '../components/clip/record.ts';
import { change, use } from '../state/draft.ts';
import { refused, say } from '../state/notices.ts';
import { pane } from '../state/route.ts';
import { capabilities, model } from '../state/server.ts';

export function DropZone() {
  const over = useSignal(false);
  useEffect(() => {
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      over.value = true;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) over.value = false;
    };
    const drop = (event: DragEvent) => {
      over.value = false;
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      void take(file);
    };
    const paste = ({ clipboardData }: ClipboardEvent) => {
      const file = clipboardData?.files[0];
      if (file) void take(file);
    };
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, [over]);
  return (
    <div class="drop" data-over={over.value} aria-hidden="true">
      <p>
        <b>Drop it.</b>A clip gives its settings back, a picture becomes the first frame.
      </p>
    </div>
  );
}

/** Takes a file in. */
export async function take(file: File): Promise<void> {
  try {
    if (file.type.startsWith('image/')) await takePicture(file);
    else {
      use(await requestInFile(file));
      say(`Settings of ${file.name}.`);
    }
    pane.value = 'make';
  } catch (error) {
    refused(error);
  }
}

async function takePicture(file: File): Promise<void> {
  const most = capabilities.value?.limits.max_upload_bytes ?? 0;
  // As base64, a file is a third larger.
  if (file.size * 1.4 > most)
    throw new Error(`${file.name} is too large; ${(most / 1.4e6).toFixed(0)} MB are allowed.`);
  if (!model.value?.quantcache.input_reference)
    throw new Error('This server cannot read pictures; clips begin from the prompt alone.');
  change({ image: { name: file.name, url: await dataUrlOf(file) } });
  say(`${file.name} is the first frame.`);
}

function dataUrlOf(file: File): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => done(String(reader.result)));
    reader.addEventListener('error', () => fail(new Error(`${file.name} could not be read.`)));
    reader.readAsDataURL(file);
  });
}
