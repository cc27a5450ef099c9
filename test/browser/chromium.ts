/** A real browser, where one is installed: CHROMIUM_PATH, or where systems put it, whatever the PATH is. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  // Debian's /usr/bin/chromium is a script that needs tools which a bare PATH lacks, and this is what it starts.
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** What to say where there is none. */
export const NO_CHROMIUM = 'no Chromium here; install one or name it in CHROMIUM_PATH';

/** One that is named is used or nothing is: who names a wrong path wants to know. */
export function findChromium(named = process.env.CHROMIUM_PATH): string | undefined {
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  return PLACES.find((path) => existsSync(path));
}

export const launch = (executablePath: string, args: readonly string[] = []): Promise<Browser> =>
  // Containers and CI run as root, where Chromium's own sandbox does not start.
  chromium.launch({
    executablePath,
    args: [...args, '--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    timeout: 180_000,
  });
