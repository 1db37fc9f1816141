/** Chromium for tests: the one that is installed, without a window. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The program; undefined where none is installed. */
export const browserPath = places.find((path) => path !== '' && existsSync(path));

/** What tests say where there is none. */
export const noBrowser = 'no Chromium is installed (apt-get install chromium, or CHROMIUM=/path/to/it)';

/** The flags keep it from asking the network for anything of its own. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
