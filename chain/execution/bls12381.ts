/**
 * The BLS12-381 precompiles (EIP-2537) on mcl's WebAssembly: four to forty times as fast as portable code, so that they
 * cannot be used to stall validators. Owns input decoding, strictly as the EIP has it; gas and lengths are ethereumjs's.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { EVMBLSInterface } from '@ethereumjs/evm';
import type Mcl from 'mcl-wasm';
import { concatBytes, FedaiError, uintBytes } from '../../core/index.ts';
// First, and to its end: a copy that is only half loaded could not be set aside.
import './bn254.ts';

/** mcl holds one curve for a loaded copy, and bn254.ts has taken the first. */
function loadOwnCopy(): typeof Mcl {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('mcl-wasm'));
  const taken = Object.entries(require.cache).filter(([path]) => path.startsWith(folder));
  for (const [path] of taken) delete require.cache[path];
  const copy = require('mcl-wasm') as typeof Mcl;
  for (const path of Object.keys(require.cache)) if (path.startsWith(folder)) delete require.cache[path];
  for (const [path, module] of taken) require.cache[path] = module;
  return copy;
}

const mcl = loadOwnCopy();
await mcl.init(mcl.BLS12_381);
mcl.setMapToMode(mcl.IRTF);
// Whether the order matters differs by precompile, so it is asked for where it does.
mcl.verifyOrderG1(false);
mcl.verifyOrderG2(false);

/** 16 zero bytes and 48 of a number. */
const FIELD_BYTES = 64;
const PADDING_BYTES = 16;
const G1_BYTES = 2 * FIELD_BYTES;
const G2_BYTES = 4 * FIELD_BYTES;
const SCALAR_BYTES = 32;
const TERMS_AT_ONCE = 1024;

const invalid = (what: string): FedaiError => new FedaiError('BAD_POINT', `bls12-381: ${what}`);
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

const one = new mcl.Fp();
one.setInt(1);
const one2 = new mcl.Fp2();
one2.setInt(1, 0);

/** The number at `at`; mcl reads the other end first and refuses what is not below the modulus. */
function readField(input: Uint8Array, at: number): Mcl.Fp {
  if (!isZero(input.subarray(at, at + PADDING_BYTES))) throw invalid('coordinate is not in the field');
  const element = new mcl.Fp();
  element.deserialize(input.subarray(at + PADDING_BYTES, at + FIELD_BYTES).toReversed());
  return element;
}

function readField2(input: Uint8Array, at: number): Mcl.Fp2 {
  const element = new mcl.Fp2();
  element.set_a(readField(input, at));
  element.set_b(readField(input, at + FIELD_BYTES));
  return element;
}

function readG1(input: Uint8Array, at: number, inGroup: boolean): Mcl.G1 {
  const point = new mcl.G1();
  if (isZero(input.subarray(at, at + G1_BYTES))) return point;
  point.setX(readField(input, at));
  point.setY(readField(input, at + FIELD_BYTES));
  point.setZ(one);
  if (!point.isValid()) throw invalid('point is not on the curve');
  if (inGroup && !point.isValidOrder()) throw invalid('point is not in the group');
  return point;
}

function readG2(input: Uint8Array, at: number, inGroup: boolean): Mcl.G2 {
  const point = new mcl.G2();
  if (isZero(input.subarray(at, at + G2_BYTES))) return point;
  point.setX(readField2(input, at));
  point.setY(readField2(input, at + 2 * FIELD_BYTES));
  point.setZ(one2);
  if (!point.isValid()) throw invalid('point is not on the curve');
  if (inGroup && !point.isValidOrder()) throw invalid('point is not in the group');
  return point;
}

function readScalar(input: Uint8Array, at: number): Mcl.Fr {
  const scalar = new mcl.Fr();
  scalar.setBigEndianMod(input.subarray(at, at + SCALAR_BYTES));
  return scalar;
}

const padding = new Uint8Array(PADDING_BYTES);
const fieldBytes = (element: Mcl.Fp): Uint8Array => concatBytes(padding, element.serialize().reverse());
const field2Bytes = (element: Mcl.Fp2): Uint8Array =>
  concatBytes(fieldBytes(element.get_a()), fieldBytes(element.get_b()));

function writeG1(point: Mcl.G1): Uint8Array {
  if (point.isZero()) return new Uint8Array(G1_BYTES);
  point.normalize();
  return concatBytes(fieldBytes(point.getX()), fieldBytes(point.getY()));
}

function writeG2(point: Mcl.G2): Uint8Array {
  if (point.isZero()) return new Uint8Array(G2_BYTES);
  point.normalize();
  return concatBytes(field2Bytes(point.getX()), field2Bytes(point.getY()));
}

/** Points and scalars in turn. Terms that add nothing are left out: an empty sum is the point at infinity. */
function terms<P extends Mcl.G1 | Mcl.G2>(
  input: Uint8Array,
  pointBytes: number,
  read: (input: Uint8Array, at: number, inGroup: boolean) => P,
): { points: P[]; scalars: Mcl.Fr[] } {
  const points: P[] = [];
  const scalars: Mcl.Fr[] = [];
  for (let at = 0; at < input.length; at += pointBytes + SCALAR_BYTES) {
    const point = read(input, at, true);
    const scalar = readScalar(input, at + pointBytes);
    if (point.isZero() || scalar.isZero()) continue;
    points.push(point);
    scalars.push(scalar);
  }
  return { points, scalars };
}

/** In pieces: mcl puts its arguments on a stack of a megabyte. Undefined for no terms. */
function sumOf<P extends Mcl.G1 | Mcl.G2>(points: P[], scalars: Mcl.Fr[]): P | undefined {
  let sum: P | undefined;
  for (let at = 0; at < points.length; at += TERMS_AT_ONCE) {
    const piece = mcl.mulVec(points.slice(at, at + TERMS_AT_ONCE), scalars.slice(at, at + TERMS_AT_ONCE));
    sum = sum === undefined ? piece : mcl.add(sum, piece);
  }
  return sum;
}

/** What ethereumjs expects of a BLS library; throws on bad input, which it turns into a failed call. */
export const mclBls: EVMBLSInterface = {
  addG1: (input) => writeG1(mcl.add(readG1(input, 0, false), readG1(input, G1_BYTES, false))),
  addG2: (input) => writeG2(mcl.add(readG2(input, 0, false), readG2(input, G2_BYTES, false))),
  mapFPtoG1: (input) => writeG1(readField(input, 0).mapToG1()),
  mapFP2toG2: (input) => writeG2(readField2(input, 0).mapToG2()),
  msmG1(input) {
    const { points, scalars } = terms(input, G1_BYTES, readG1);
    return writeG1(sumOf(points, scalars) ?? new mcl.G1());
  },
  msmG2(input) {
    const { points, scalars } = terms(input, G2_BYTES, readG2);
    return writeG2(sumOf(points, scalars) ?? new mcl.G2());
  },
  pairingCheck(input) {
    let product = new mcl.GT();
    product.setInt(1);
    for (let at = 0; at < input.length; at += G1_BYTES + G2_BYTES) {
      const g1 = readG1(input, at, true);
      const g2 = readG2(input, at + G1_BYTES, true);
      if (!g1.isZero() && !g2.isZero()) product = mcl.mul(product, mcl.millerLoop(g1, g2));
    }
    return uintBytes(mcl.finalExp(product).isOne() ? 1 : 0, 32);
  },
};
