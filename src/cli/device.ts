/** Starting devices whose libraries write to stderr what is for nobody, and may crash: tried in another process first. */
import { execFile } from 'node:child_process';
import { messageOf } from '../errors.ts';
import { createRuntime, QuantCacheError, type Runtime } from '../index.ts';

/** Seconds that a device has to show itself. */
const patience = 30;

/** Why a device does not work here; undefined where it does. */
export function tryDevice(device: string, signal?: AbortSignal): Promise<string | undefined> {
  const from = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `const { watchOver } = await import(${from('./watchdog.js')});
    watchOver(${patience * 1000});
    const { createRuntime } = await import(${from('../index.js')});
    await createRuntime({ backend: ${JSON.stringify(device)} }).catch((error) => {
      console.log(error.message);
      process.exitCode = 1;
    });`;
  const args = ['--input-type=module', '--eval', script];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: patience * 1000, signal }, (error, said) => {
      if (signal?.aborted) reject(signal.reason);
      else if (!error) resolve(undefined);
      else if (error.killed) resolve(`The ${device} backend does not answer within ${patience} s. Use --device cpu.`);
      else resolve(said.trim() || `The ${device} backend crashes here (${messageOf(error)}). Use --device cpu.`);
    });
  });
}

/** Starts the runtime that the options name. Throws `backend_unavailable`. */
export async function startRuntime(
  { device = 'cpu', threads }: { device?: 'cpu' | 'webgpu' | 'cuda'; threads?: number },
  signal?: AbortSignal,
): Promise<Runtime> {
  const failure = device === 'cpu' ? undefined : await tryDevice(device, signal);
  if (failure !== undefined) throw new QuantCacheError('backend_unavailable', failure);
  return await createRuntime({ backend: device, threads });
}
