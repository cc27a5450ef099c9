/** A real browser, where one is installed: FEDAI_CHROMIUM, or where Debian and others put it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function findChromium(): string | undefined {
  return [process.env.FEDAI_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
}

export const launch = (executablePath: string, args: readonly string[] = []): Promise<Browser> =>
  // Containers and CI run as root, where Chromium's own sandbox does not start.
  chromium.launch({ executablePath, args: [...args, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])] });
