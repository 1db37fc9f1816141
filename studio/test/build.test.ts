/** The built page: nothing inline, nothing from elsewhere, and not large. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, test } from 'vitest';

/** What all scripts may weigh together, packed. */
const mostBytes = 100_000;

test('the built studio obeys a strict policy and weighs less than 100 kB of script', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-studio-'));
  try {
    await build({ root: join(import.meta.dirname, '..'), logLevel: 'error', build: { outDir: folder } });
    const names = await readdir(folder, { recursive: true });
    const textOf = (name: string) => readFile(join(folder, name), 'utf8');
    const page = await textOf('index.html');
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
    expect(page).not.toMatch(/https?:\/\//);
    expect([...page.matchAll(/(?:src|href)="([^"]+)"/g)].every(([, address]) => address!.startsWith('./'))).toBe(true);
    const styles = await Promise.all(names.filter((name) => name.endsWith('.css')).map(textOf));
    expect(styles.join()).not.toMatch(/url\(["']?(?:https?:|data:)/);
    const scripts = await Promise.all(names.filter((name) => name.endsWith('.js')).map(textOf));
    expect(scripts.length).toBeGreaterThan(1); // the decoder is loaded later
    expect(scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)).toBeLessThan(mostBytes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
