/** What the clip is to show, what it is not to show, and the frame that it begins with. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';
import { IconButton } from '../components/iconbutton.tsx';
import { take } from '../shell/drop.tsx';
import { change } from '../state/draft.ts';
import { capabilities } from '../state/server.ts';
import type { FieldProps } from './field.ts';

export function Prompt({ form, can }: FieldProps) {
  const avoiding = useSignal(form.negativePrompt !== '');
  const most = capabilities.value?.limits.max_prompt_characters ?? 4096;
  const file = useRef<HTMLInputElement>(null);
  const showsAvoid = can.negative_prompt && (avoiding.value || form.negativePrompt !== '');
  return (
    <div class="prompt">
      <label class="unseen" for="prompt">
        Prompt
      </label>
      <textarea
        id="prompt"
        rows={2}
        maxLength={most}
        required
        placeholder="Describe what is to happen…"
        value={form.prompt}
        onInput={({ currentTarget }) => change({ prompt: currentTarget.value })}
      />
      {form.image && <FirstFrame name={form.image.name} url={form.image.url} />}
      {showsAvoid && (
        <input
          class="avoid"
          aria-label="Negative prompt"
          placeholder="What it is not to show"
          maxLength={most}
          value={form.negativePrompt}
          onInput={({ currentTarget }) => change({ negativePrompt: currentTarget.value })}
        />
      )}
      <div class="prompt-foot">
        {can.input_reference && (
          <>
            <button type="button" class="quiet" onClick={() => file.current?.click()}>
              <Icon name="image" />
              First frame
            </button>
            <input
              ref={file}
              type="file"
              class="unseen"
              tabIndex={-1}
              aria-label="Picture of the first frame"
              accept="image/png,image/jpeg,image/webp,image/gif"
              onChange={({ currentTarget }) => {
                const chosen = currentTarget.files?.[0];
                if (chosen) void take(chosen);
                currentTarget.value = '';
              }}
            />
          </>
        )}
        {can.negative_prompt && !showsAvoid && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              avoiding.value = true;
            }}
          >
            <Icon name="plus" />
            Negative prompt
          </button>
        )}
        {form.prompt.length > most * 0.9 && (
          <span class="soft number">
            {form.prompt.length}/{most}
          </span>
        )}
      </div>
    </div>
  );
}

/** Drawn on a canvas, as the page's policy allows no pictures but the server's own. */
function FirstFrame({ name, url }: { readonly name: string; readonly url: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    void draw(canvas.current, url);
  }, [url]);
  return (
    <div class="first-frame">
      <canvas ref={canvas} width={56} height={56} role="img" aria-label={`First frame: ${name}`} />
      <span>
        begins with <b>{name}</b>
      </span>
      <IconButton icon="close" label="Remove the first frame" act={() => change({ image: undefined })} />
    </div>
  );
}

async function draw(canvas: HTMLCanvasElement | null, url: string): Promise<void> {
  const [head = '', body = ''] = url.split(',');
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  const type = /^data:([^;]+)/.exec(head)?.[1];
  const image = await createImageBitmap(new Blob([bytes], { type })).catch(() => undefined);
  if (!canvas || !image) return;
  const side = Math.min(image.width, image.height);
  const left = (image.width - side) / 2;
  const top = (image.height - side) / 2;
  canvas.getContext('2d')!.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
}
