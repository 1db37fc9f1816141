/** The studio on a real server that makes real clips, in Chromium: one run of well over three seconds. After `npm run build`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VideoList } from '../src/api/types.ts';
import { browserPath, noBrowser, openBrowser } from './browser.ts';
import { drop } from './page.ts';

const prompt = 'a large red star moves right over a blue background';

describe.skipIf(!browserPath)(`real clips${browserPath ? '' : ` (skipped: ${noBrowser})`}`, () => {
  const data = mkdtempSync(join(tmpdir(), 'quantcache-real-'));
  let server: ChildProcess;
  let url = '';
  let browser: Browser;
  beforeAll(async () => {
    const program = [resolve('dist/cli/main.js'), 'serve', '--port', '0', '--data', data, '--json'];
    server = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise((done) => server.stdout!.once('data', done));
    url = (JSON.parse(String(line)) as { url: string }).url;
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  });

  test('cancelled in the middle', { timeout: 200_000 }, async () => {
    const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    page.setDefaultTimeout(90_000);
    await page.goto(url);
    await page.getByLabel('Prompt', { exact: true }).fill(prompt);
    await page.locator('.profiles label', { hasText: 'full' }).click();
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Steps', { exact: true }).fill('250'); // long enough to be seen on any machine
    await page.getByRole('button', { name: 'Make' }).click();
    const computed = page.locator('.queue .strip i[data-did=computed]');
    await computed.first().waitFor({ state: 'attached' });
    await page.locator('.queue .job').getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.card[data-status=failed]').waitFor();
    const [video] = ((await (await fetch(`${url}/v1/videos`)).json()) as VideoList).data;
    expect(video).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
    await page.close();
  });

  test('made, shown as it goes, reloaded in the middle, played, made again and compared', {
    timeout: 300_000,
  }, async () => {
    const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    page.setDefaultTimeout(120_000);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.getByLabel('Prompt', { exact: true }).fill(prompt);
    await page.locator('.profiles label', { hasText: 'full' }).click();
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Steps', { exact: true }).fill('60');
    await page.getByLabel('Seed', { exact: true }).fill('7');
    await page.getByRole('button', { name: 'Make' }).click();
    // Previews begin after three seconds of a run; what they show is the run's own.
    await page.locator('.stage canvas.preview').waitFor();
    await page.reload();
    await page.locator('.queue .job').waitFor();
    await page.locator('.stage canvas.preview').waitFor();
    await page.locator('.stage .transport').waitFor();
    await page.locator('.map-frame canvas').waitFor();

    const [full] = ((await (await fetch(`${url}/v1/videos`)).json()) as VideoList).data;
    expect(full).toMatchObject({ status: 'completed', quantcache: { policy: 'full', num_inference_steps: 60 } });
    // Its file gives its settings back, and the same clip with a profile can be held against it.
    await page.getByLabel('Prompt', { exact: true }).fill('something else');
    const clip = Buffer.from(await (await fetch(`${url}/v1/videos/${full!.id}/content`)).arrayBuffer());
    await drop(page, clip, 'full.mp4', 'video/mp4');
    await expect.poll(() => page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(prompt);
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('7');
    await page.locator('.profiles label', { hasText: 'fast' }).click();
    await page.getByRole('button', { name: 'Make' }).click();
    await page.getByRole('button', { name: 'Compare with full' }).click();
    await page.locator('.theatre.two canvas').nth(1).waitFor();
    await expect.poll(() => page.locator('.verdict').textContent()).toMatch(/PSNR \d\d\.\d dB/);
    expect(complaints).toEqual([]);
  });
});
