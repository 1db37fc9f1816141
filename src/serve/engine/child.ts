/**
 * The engine's process: opens one model, then makes runs, one at a time, as the server orders them. It ends with its server,
 * however that ends: their channel closes.
 */
import { writeFileSync } from 'node:fs';
import { messageOf, originOf } from '../../errors.ts';
import { createRuntime, openModel, QuantCacheError } from '../../index.ts';
import type { JobError } from '../job.ts';
import { makeClip, type OpenEngine } from './clip.ts';
import type { EngineOptions, FromEngine, RunOrder, ToEngine } from './messages.ts';
import { offerOf } from './offer.ts';

let engine: Promise<OpenEngine> | undefined;
let controller: AbortController | undefined;

process.on('disconnect', () => process.exit());
process.on('message', (message: ToEngine) => {
  if (message.type === 'open') engine = open(message.options);
  else if (message.type === 'abort') controller?.abort();
  else void run(message.order);
});
process.umask(0o077);
preferMe();

const say = (message: FromEngine): void => void (process.connected && process.send!(message));

/** Where memory runs out, Linux is to end this process first and not the server. */
function preferMe(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // another system
  }
}

async function open(options: EngineOptions): Promise<OpenEngine> {
  try {
    const { model, vae, textEncoder, device, threads, maxPixels } = options;
    const runtime = await createRuntime({ backend: device, threads });
    const pipeline = await openModel(runtime, { model, vae, textEncoder });
    const offer = await offerOf(pipeline, maxPixels);
    say({ type: 'ready', offer });
    return { pipeline, runtime, options, maxPixels: offer.capabilities.limits.max_pixels };
  } catch (error) {
    process.send!({ type: 'unusable', error: jobError(error) } satisfies FromEngine, () => process.exit(1));
    return await new Promise(() => undefined);
  }
}

async function run(order: RunOrder): Promise<void> {
  controller = new AbortController();
  const { signal } = controller;
  try {
    say({ type: 'done', result: await makeClip(await engine!, order, { signal, say }) });
  } catch (error) {
    const { code, message } = jobError(error);
    const folders = [order.folder, (await engine!).pipeline.folder];
    say({ type: 'failed', error: { code, message: folders.reduce(without, message) } });
  } finally {
    controller = undefined;
  }
}

/** A message without the server's paths, which are nobody's business. */
const without = (message: string, folder: string): string =>
  message.replaceAll(`${folder}/`, '').replaceAll(folder, 'the folder');

function jobError(thrown: unknown): JobError {
  const error = originOf(thrown);
  if (error instanceof QuantCacheError) return { code: error.code, message: error.message };
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return { code: 'unexpected', message: messageOf(error) };
}
