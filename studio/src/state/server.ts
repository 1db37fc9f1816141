/** What the server offers, asked once at the start. */
import { computed, signal } from '@preact/signals';
import { ApiError, getCapabilities, signIn } from '../api/client.ts';
import type { Capabilities, ModelObject } from '../api/types.ts';

export const capabilities = signal<Capabilities | undefined>(undefined);
/** Why there are none. */
export const failure = signal<string | undefined>(undefined);
/** Whether the server asks for a key. */
export const locked = signal(false);
/** The model that is chosen; the server's first unless another was. */
export const modelId = signal<string | undefined>(undefined);

export const model = computed<ModelObject | undefined>(() => {
  const models = capabilities.value?.models ?? [];
  return models.find(({ id }) => id === modelId.value) ?? models[0];
});

/** Asks for what the server offers, after trading the token in the address for a cookie, where there is one. */
export async function openServer(): Promise<boolean> {
  try {
    const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
    if (token) {
      history.replaceState(null, '', '#/');
      await signIn(token);
    }
    capabilities.value = await getCapabilities();
    failure.value = undefined;
    return true;
  } catch (error) {
    locked.value = error instanceof ApiError && error.code === 'invalid_api_key';
    failure.value = error instanceof Error ? error.message : String(error);
    return false;
  }
}

/** Signs in with a key, and begins anew; rejects where the key is none. */
export async function unlock(key: string): Promise<void> {
  await signIn(key);
  location.reload();
}
