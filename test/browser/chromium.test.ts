/** Where a browser is looked for; without one the pages' tests are skipped and say why. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findChromium } from './chromium.ts';

test('a browser that is named is the one, or there is none', () => {
  expect(findChromium(process.execPath)).toBe(process.execPath);
  expect(findChromium('/no/such/browser')).toBeUndefined();
});

test('otherwise it is where systems put it, whatever the PATH', () => {
  const { PATH } = process.env;
  process.env.PATH = '';
  const found = findChromium('');
  process.env.PATH = PATH;
  expect(found === undefined || existsSync(found)).toBe(true);
});
