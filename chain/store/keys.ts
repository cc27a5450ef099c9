/** Keys of the database: one letter for the kind, then big-endian heights or hashes, so that ranges iterate in order. */
import { concatBytes, uintBytes } from '../../core/index.ts';

const prefix = (letter: string): Uint8Array => Uint8Array.of(letter.charCodeAt(0));

const META = prefix('m');
const BLOCK = prefix('b');
const COMMIT = prefix('c');
const RECEIPTS = prefix('r');
const BLOOM = prefix('l');
const HEIGHT_BY_HASH = prefix('h');
const TRANSACTION = prefix('t');
const NODE = prefix('n');
const CODE = prefix('k');
const CHECKS = prefix('x');

const at = (kind: Uint8Array) => (height: number) => concatBytes(kind, uintBytes(height, 8));
const by = (kind: Uint8Array) => (hash: Uint8Array) => concatBytes(kind, hash);

export const keys = {
  meta: (name: 'format' | 'genesis' | 'head') => concatBytes(META, new TextEncoder().encode(name)),
  block: at(BLOCK),
  commit: at(COMMIT),
  receipts: at(RECEIPTS),
  bloom: at(BLOOM),
  heightByHash: by(HEIGHT_BY_HASH),
  transaction: by(TRANSACTION),
  node: by(NODE),
  code: by(CODE),
  checks: at(CHECKS),
};
