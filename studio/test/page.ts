/** The studio in a browser, for tests: built anew, served by a server that computes nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { openBrowser } from './browser.ts';
import { type FakeOptions, type FakeServer, startFake } from './fake/server.ts';

export interface Studio extends AsyncDisposable {
  /** Opens the page on a server of its own. */
  open(options?: Partial<FakeOptions>, context?: BrowserContextOptions): Promise<Opened>;
}

export interface Opened {
  readonly page: Page;
  readonly server: FakeServer;
  /** What the page complained of: errors, and what its security policy refused. */
  readonly complaints: readonly string[];
}

export async function openStudio(): Promise<Studio> {
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-studio-'));
  await build({ root: join(import.meta.dirname, '..'), logLevel: 'error', build: { outDir: folder } });
  const browser: Browser = await openBrowser();
  const servers: FakeServer[] = [];
  return {
    async open(options, context) {
      const server = await startFake({ studio: folder, ...options });
      servers.push(server);
      const page = await browser.newPage({ viewport: { width: 1300, height: 900 }, ...context });
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(server.url);
      await page.locator('.composer').waitFor();
      return { page, server, complaints };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      for (const server of servers) await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Drops a file on the page. */
export async function drop(page: Page, content: Buffer, name: string, type: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ bytes, name, type }) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], name, { type }));
      return data;
    },
    { bytes: [...content], name, type },
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}
