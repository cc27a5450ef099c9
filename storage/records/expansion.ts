/** How much more than its own size a file may unpack to: what is small on disk must not fill it. */
import { FedaiError } from '../../core/index.ts';

/** A file may unpack to this much whatever its size, and beyond it to this many times its size. */
const FREE_BYTES = 64 * 1024 * 1024;
const MAX_EXPANSION = 200;

export const mostUnpacked = (packed: number): number => Math.max(FREE_BYTES, MAX_EXPANSION * packed);

/** Throws `TOO_LARGE`. */
export function checkExpansion(packed: number, unpacked: number): void {
  if (unpacked <= mostUnpacked(packed)) return;
  throw new FedaiError(
    'TOO_LARGE',
    'the file unpacks to far more than its size',
    { packed, got: unpacked, expected: `<= ${mostUnpacked(packed)}` },
    { remedy: 'unpack it yourself if you trust it' },
  );
}
