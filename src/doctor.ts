/**
 * What there is to know about an installation when something goes wrong: the machine, versions, caches with their sizes, and
 * whether the embedded model makes a picture. Nothing here changes anything.
 */
import { constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { readEnvironment } from './environment.ts';
import { messageOf } from './errors.ts';
import { fileError, systemCode } from './files/failure.ts';
import { finish, generate } from './generate.ts';
import { openModel } from './models/index.ts';
import { createPolicy } from './policies/index.ts';
import { describeProducts, tryIntegerProducts } from './runtime/products.ts';
import type { Runtime } from './runtime/runtime.ts';
import { version } from './version.ts';

export interface MachineReport {
  readonly processor: string;
  /** Threads that this process may use at a time. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly system: string;
}

/** The machine that this runs on. */
export function machineReport(): MachineReport {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    system: `${platform()} ${release()} ${arch()}`,
  };
}

/** Packages that do the work, and those that are optional. */
const packages = ['onnxruntime-node', 'sharp', '@mediabunny/server', '@huggingface/tokenizers', 'onnxruntime-web'];

/** Versions by name; null for optional packages that are not installed. */
export function versionsReport(): Record<string, string | null> {
  const installed = packages.map((name) => [name, installedVersion(name)] as const);
  return { quantcache: version, node: process.version.slice(1), ...Object.fromEntries(installed) };
}

/** Looks for the package's own description: packages need not export it. */
function installedVersion(name: string): string | null {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(join(folder, name, 'package.json')) as { version: string }).version;
    } catch {
      // not in this folder
    }
  }
  return null;
}

export interface CacheReport {
  readonly name: string;
  readonly folder: string;
  /** Zero where it has not been made yet; absent where it cannot be read. */
  readonly bytes?: number;
  /** Why it cannot be read. */
  readonly unreadable?: string;
  readonly canWrite: boolean;
}

/** The folders that files are kept in, with what they take. */
export async function cachesReport(): Promise<CacheReport[]> {
  const { hubCache, home } = readEnvironment();
  const caches = [
    { name: 'downloaded models', folder: hubCache },
    { name: 'quantized weights', folder: home },
  ];
  return Promise.all(
    caches.map(async (cache) => ({
      ...cache,
      ...(await bytesIn(cache.folder).then(
        (bytes) => ({ bytes }),
        (error: unknown) => ({ unreadable: messageOf(error) }),
      )),
      canWrite: await canWriteIn(cache.folder),
    })),
  );
}

/** Bytes of all files in a folder, links not followed. Throws `io` where a folder cannot be read. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError('read', folder, error);
  });
  const sizes = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return bytesIn(path);
    return entry.isFile() ? ((await lstat(path).catch(() => undefined))?.size ?? 0) : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Whether files can be made in a folder, or the folder itself where it is missing. */
async function canWriteIn(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch (error) {
    return systemCode(error) === 'ENOENT' && dirname(folder) !== folder && canWriteIn(dirname(folder));
  }
}

export interface SelfTest {
  readonly name: string;
  readonly pass: boolean;
  /** What was seen. */
  readonly detail: string;
}

/** Multiplies 8-bit integers and compares with arithmetic: which form of them this processor takes. Both are right. */
export async function testIntegerProducts(runtime: Runtime): Promise<SelfTest> {
  const name = 'integer products';
  try {
    return { name, pass: true, detail: describeProducts(await tryIntegerProducts(runtime)) };
  } catch (error) {
    return { name, pass: false, detail: messageOf(error) };
  }
}

/** Makes a small picture with the embedded model: text, transformer, sampler and decoder work here. */
export async function testDemoModel(runtime: Runtime, signal?: AbortSignal): Promise<SelfTest> {
  const name = 'the embedded model makes a picture';
  try {
    await using pipeline = await openModel(runtime);
    const { defaults } = pipeline;
    const options = { prompts: ['a large red star'], frames: 1, numSteps: 4, policy: createPolicy('full'), signal };
    const { videos } = await finish(generate(pipeline, runtime, options));
    const { data, height, width } = videos[0]!;
    const spread = Math.max(...data) - Math.min(...data);
    const isRight = height === defaults.height && width === defaults.width && spread > 0.5; // NaN is not above
    return { name, pass: isRight, detail: `${width}x${height}, values over a range of ${spread.toFixed(2)}` };
  } catch (error) {
    return { name, pass: false, detail: messageOf(error) };
  }
}
