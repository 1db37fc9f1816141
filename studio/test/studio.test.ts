/** The studio as people use it, in Chromium; skipped where there is none. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { browserPath, noBrowser } from './browser.ts';
import { clipFile } from './fake/clips.ts';
import { seededClips } from './fake/server.ts';
import { drop, openStudio, type Studio } from './page.ts';

const star = 'a large red star moves right over a blue background';

describe.skipIf(!browserPath)(`the studio${browserPath ? '' : ` (skipped: ${noBrowser})`}`, () => {
  let studio: Studio;
  beforeAll(async () => {
    studio = await openStudio();
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  const open: Studio['open'] = async (...options) => {
    const opened = await studio.open(...options);
    onTestFinished(async () => {
      expect(opened.complaints).toEqual([]);
      await opened.page.close();
    });
    return opened;
  };

  test('a clip is made, its previews and steps shown, and played', async () => {
    const { page, server } = await open({ seeded: false, pace: 110 }); // more than three seconds
    await page.getByLabel('Prompt', { exact: true }).fill(star);
    await page.locator('.profiles label', { hasText: 'fast' }).click();
    await page.getByRole('button', { name: 'Make' }).click();
    // A preview is five moments side by side, of which one is shown at a time, and they take turns.
    const preview = page.locator('.stage canvas.preview');
    await preview.waitFor();
    expect(await preview.evaluate(({ width, height }: HTMLCanvasElement) => [width, height])).toEqual([64, 64]);
    const moments = await page.evaluate(watch, { selector: '.stage canvas.preview', moments: 12 });
    expect(moments).toBeGreaterThan(1);
    expect(await page.locator('.stage .strip i[data-did=computed]').count()).toBeGreaterThan(0);
    await page.locator('.stage canvas.screen').last().waitFor();
    await page.getByRole('heading', { name: star }).waitFor();
    expect(server.requests).toMatchObject([
      { prompt: star, size: '64x64', num_frames: 17, quantcache: { profile: 'fast' } },
    ]);
    await page.locator('.history .card').waitFor();
  });

  test('a prompt is text, whatever it looks like', async () => {
    const { page } = await open({ seeded: false, pace: 5 });
    const hostile = '<img src=x onerror="document.title=1"> <b>star</b>';
    await page.getByLabel('Prompt', { exact: true }).fill(hostile);
    await page.getByRole('button', { name: 'Make' }).click();
    await page.locator('.history .card').waitFor();
    await page.getByRole('heading', { name: hostile }).waitFor();
    expect(await page.locator('main img[src=x], main b:text-is("star")').count()).toBe(0);
    expect(await page.title()).not.toBe('1');
  });

  test('four variations have seeds that follow each other; one is cancelled, one retried', async () => {
    const { page, server } = await open({ seeded: false, pace: 200 });
    await page.getByLabel('Prompt', { exact: true }).fill(star);
    await page.getByLabel('Seed', { exact: true }).fill('9007199254740993');
    await page.getByRole('button', { name: '4 variations' }).click();
    const jobs = page.locator('.queue .job');
    await expect.poll(() => jobs.count()).toBe(4);
    expect(server.requests.map(({ seed }) => seed)).toEqual([
      '9007199254740993',
      '9007199254740994',
      '9007199254740995',
      '9007199254740996',
    ]);
    expect(await jobs.nth(1).textContent()).toContain('1st in line');
    expect(await jobs.nth(3).textContent()).toMatch(/3rd in line · \d+ s/);
    await jobs.nth(3).getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => jobs.count()).toBe(3);
    const card = page.locator('.card[data-status=failed]');
    expect(await card.textContent()).toContain('cancelled');
    await card.hover();
    await card.getByRole('button', { name: 'Retry' }).click();
    await expect.poll(() => jobs.count()).toBe(4);
    expect(server.asked).toContain('POST /v1/videos/ID/retry');
  });

  test('a reload in the middle of a run loses neither the run nor the form', async () => {
    const { page } = await open({ seeded: false, pace: 120 });
    await page.getByLabel('Prompt', { exact: true }).fill(star);
    await page.getByRole('button', { name: 'Make' }).click();
    await page.locator('.stage .strip i[data-did=reused]').first().waitFor();
    await page.reload();
    await page.locator('.queue .job').waitFor();
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(star);
    // What was done before the reload is still there.
    expect(await page.locator('.stage .strip i').first().getAttribute('data-did')).toBe('computed');
    await page.locator('.stage canvas.screen').last().waitFor({ timeout: 20_000 });
  });

  test('a page that lost the server finds what came meanwhile', async () => {
    const { page, server } = await open({ seeded: false, pace: 5 });
    await page.locator('.status', { hasText: 'idle' }).waitFor();
    server.jobs.add({ prompt: star, seed: 1 });
    await page.locator('.card').waitFor();
    await page.waitForTimeout(300);
    server.cut();
    server.jobs.add({ prompt: 'made while nobody listened', seed: 2 });
    await expect.poll(() => page.locator('.card').count(), { timeout: 15_000 }).toBe(2);
  });

  test('an mp4 that is dropped gives its settings back without being uploaded', async () => {
    const { page, server } = await open();
    const before = server.asked.filter((line) => line.startsWith('POST')).length;
    await drop(page, clipFile('triangle.mp4'), 'triangle.mp4', 'video/mp4');
    const prompt = page.getByLabel('Prompt', { exact: true });
    await expect.poll(() => prompt.inputValue()).toBe('a large green triangle grows over a white background');
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('11');
    expect(await page.locator('.profiles label.on').textContent()).toContain('balanced');
    expect(server.asked.filter((line) => line.startsWith('POST')).length).toBe(before);
  });

  test('a file without settings is refused in words', async () => {
    const { page } = await open();
    await drop(page, Buffer.from('no clip at all'), 'notes.mp4', 'video/mp4');
    await page.getByText('notes.mp4 does not say how it was made').waitFor();
  });

  test('history is searched, and settings are used again', async () => {
    const { page } = await open();
    await expect.poll(() => page.locator('.card').count()).toBe(seededClips);
    await page.keyboard.press('/');
    await page.keyboard.type('star teacache');
    await expect.poll(() => page.locator('.card').count()).toBe(1);
    await page.locator('.card').hover();
    await page.getByRole('button', { name: /^Use the settings of/ }).click();
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(star);
    await page.getByText('policy teacache').waitFor();
  });

  test('two clips are compared with one clock: what is equal is drawn equal in every moment', async () => {
    const { page, server } = await open();
    const id = [...server.jobs.all.values()].find(({ clip }) => clip.name === 'star-full')!.video.id;
    await page.evaluate((id) => {
      location.hash = `#/compare/${id}/${id}`;
    }, id);
    await page.locator('.theatre.two canvas').nth(1).waitFor();
    const seen = await page.evaluate(watchPair, 40);
    expect(seen.differing).toBe(0);
    expect(seen.pictures).toBeGreaterThan(5);
    await page.getByText('identical').first().waitFor();
  });

  test('frames are stepped exactly, differences measured and enlarged', async () => {
    const { page } = await open();
    await page.locator('.card', { hasText: 'balanced' }).first().locator('.card-open').click();
    await page.getByRole('button', { name: 'Compare with full' }).click();
    await page.locator('.theatre.two canvas').nth(1).waitFor();
    await page.getByLabel('Frame', { exact: true }).fill('0');
    for (let i = 0; i < 3; i++) await page.keyboard.press('.');
    expect(await page.getByLabel('Frame', { exact: true }).getAttribute('aria-valuetext')).toBe('frame 4 of 17');
    await page.keyboard.press(',');
    expect(await page.getByLabel('Frame', { exact: true }).getAttribute('aria-valuetext')).toBe('frame 3 of 17');
    expect(await page.locator('.verdict').textContent()).toMatch(/PSNR \d\d\.\d dB/);
    await page.getByText('Difference', { exact: true }).click();
    const at = async () => page.evaluate(brightness, '.named canvas');
    await page.getByText('×1', { exact: true }).click();
    const plain = await at();
    await page.getByText('×8', { exact: true }).click();
    expect(await at()).toBeGreaterThan(plain * 4);
  });

  test('the decision map says why, by pointing and by keys, and is there as a table', async () => {
    const { page } = await open();
    await page.locator('.card', { hasText: 'teacache' }).first().locator('.card-open').click();
    const map = page.locator('.map-frame canvas');
    await map.waitFor();
    await page.locator('.map-frame').focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowRight');
    expect(await page.locator('.map-reason').textContent()).toMatch(/relative change: 0\.\d+/);
    await page.locator('.map-frame').hover({ position: { x: 40, y: 100 } });
    expect(await page.locator('.map-reason').textContent()).toMatch(/^\d+ · (spatial|temporal)_blocks/);
    await page.getByText('As a table').click();
    expect(await page.locator('.map-table tbody tr').count()).toBe(30);
  });

  test('full computation is added, and speed and quality drawn against it', async () => {
    const { page, server } = await open({ pace: 10 });
    await page.locator('.card', { hasText: 'triangle' }).locator('.card-open').click();
    await page.getByRole('button', { name: 'Also with full computation' }).click();
    const asked = { seed: 11, quantcache: { policy: 'full', precision: 'fp32' } };
    await expect.poll(() => server.requests.at(-1)).toMatchObject(asked);
    await page.locator('.card', { hasText: 'balanced' }).first().locator('.card-open').click();
    await page.getByText('Speed and quality').click();
    await expect.poll(() => page.locator('.tradeoff .point').count()).toBe(6);
    await page.locator('.tradeoff .point', { hasText: 'quality' }).first().click();
    await page.locator('.theatre.two canvas').first().waitFor();
  });

  test('everything goes by keyboard alone', async () => {
    const { page, server } = await open({ pace: 200 });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.type(star);
    await page.keyboard.press('Control+Enter');
    await page.locator('.queue .job').waitFor();
    expect(server.requests).toHaveLength(1);
    await page.keyboard.press('Escape'); // out of the prompt
    await page.keyboard.press('l');
    await page.getByText('The seed stays.').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Cancel this clip?' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.queue .job').waitFor({ state: 'detached' });
    expect(server.asked).toContain('POST /v1/videos/ID/cancel');
  });

  test('on a phone one part is shown at a time, and nothing is wider than the screen', async () => {
    const { page } = await open({}, { viewport: { width: 390, height: 844 }, hasTouch: true });
    const parts = page.getByRole('navigation', { name: 'Parts of the page' });
    for (const name of ['Watch', 'Queue', 'History', 'Make']) {
      await parts.getByRole('button', { name }).click();
      await page.waitForTimeout(150);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(over, name).toBeLessThanOrEqual(0);
    }
    await page.getByLabel('Prompt', { exact: true }).fill(star);
    await page.getByRole('button', { name: 'Make', exact: true }).first().click();
    await page.locator('.stage canvas.preview').waitFor();
    expect(await page.locator('.composer').isVisible()).toBe(false);
  });
});

/** Looks at a canvas in so many moments: how many pictures it showed. */
async function watch({ selector, moments }: { selector: string; moments: number }): Promise<number> {
  const pictures = new Set<string>();
  for (let i = 0; i < moments; i++) {
    await new Promise((done) => setTimeout(done, 100));
    const canvas = document.querySelector<HTMLCanvasElement>(selector);
    if (!canvas) break;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    pictures.add(String(data));
  }
  return pictures.size;
}

/** Looks at two players in so many moments: how often they showed different pictures, and how many pictures there were. */
async function watchPair(moments: number): Promise<{ differing: number; pictures: number }> {
  const [a, b] = document.querySelectorAll<HTMLCanvasElement>('.theatre.two canvas');
  const look = ({ width, height }: HTMLCanvasElement, canvas: HTMLCanvasElement) =>
    String(canvas.getContext('2d')!.getImageData(0, 0, width, height).data);
  const pictures = new Set<string>();
  let differing = 0;
  for (let i = 0; i < moments; i++) {
    await new Promise(requestAnimationFrame);
    await new Promise((done) => setTimeout(done, 40));
    const left = look(a!, a!);
    if (left !== look(a!, b!)) differing++;
    pictures.add(left);
  }
  return { differing, pictures: pictures.size };
}

/** How bright a canvas is on average. */
function brightness(selector: string): number {
  const canvas = document.querySelector<HTMLCanvasElement>(selector)!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => sum + (i % 4 === 3 ? 0 : value), 0) / data.length;
}
