/** axe on every part of the page, light and dark, wide and narrow. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, noBrowser } from './browser.ts';
import { openStudio, type Studio } from './page.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(!browserPath)(`axe${browserPath ? '' : ` (skipped: ${noBrowser})`}`, () => {
  let studio: Studio;
  beforeAll(async () => {
    studio = await openStudio();
  }, 60_000);
  afterAll(() => studio?.[Symbol.asyncDispose]());

  test.each([
    ['light', 1300],
    ['dark', 1300],
    ['light', 390],
    ['dark', 390],
  ] as const)('finds nothing to complain of: %s, %i pixels', async (colorScheme, width) => {
    const { page } = await studio.open(
      { pace: 400 },
      // Without motion, so that nothing is half transparent when it is looked at.
      { colorScheme, viewport: { width, height: 900 }, reducedMotion: 'reduce', bypassCSP: true },
    );
    const narrow = width < 800;
    const tab = async (name: string) => {
      if (narrow) await page.getByRole('navigation').getByRole('button', { name }).click();
    };
    const found: Record<string, string[]> = {};
    const look = async (part: string) => {
      found[part] = await violations(page);
    };
    await look('make');
    await page.locator('.aim header label', { hasText: 'Quality' }).click();
    await page.getByText('More', { exact: true }).click();
    await look('targets and more');
    await tab('History');
    await page.locator('.card', { hasText: 'balanced' }).first().locator('.card-open').click();
    await page.locator('.map-frame canvas').waitFor();
    await page.locator('.map-frame').focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('As a table').click();
    await look('clip and map');
    await page.getByText('Speed and quality').click();
    await page.locator('.tradeoff .point').first().waitFor();
    await look('chart');
    await page.getByRole('button', { name: 'Compare with full' }).click();
    await page.locator('.theatre.two canvas').nth(1).waitFor();
    await look('comparison');
    await page.getByText('Slider', { exact: true }).click();
    await look('slider');
    await page.getByText('Difference', { exact: true }).click();
    await look('difference');
    await tab('Make');
    await page.getByLabel('Prompt', { exact: true }).fill('a large red star moves right over a blue background');
    await page.getByRole('button', { name: '4 variations' }).first().click();
    await page.locator('.queue .job').nth(3).waitFor({ state: 'attached' });
    await look('making');
    await tab('Queue');
    await look('queue');
    await page.keyboard.press('?');
    await look('help');
    await page.close();
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((part) => [part, []])));
  });
});

/** What axe finds, with the elements that it means. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).slice(0, 4)}`);
}
