/**
 * The bn254 precompiles (EIP-196, EIP-197) on mcl's WebAssembly: three times as fast as portable code, so that
 * pairing checks cannot be used to stall validators. Owns input decoding; gas is ethereumjs's.
 */
import mcl from 'mcl-wasm';
import { bytesToBigInt, concatBytes, FedaiError, uintBytes } from '../../core/index.ts';

await mcl.init(mcl.BN_SNARK1);

/** Order of the groups (EIP-196). */
const ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const FIELD_BYTES = 32;
const PAIR_BYTES = 192;

const invalid = (what: string): FedaiError => new FedaiError('BAD_POINT', `bn254: ${what}`);

const one = new mcl.Fp();
one.setInt(1);
const one2 = new mcl.Fp2();
one2.setInt(1, 0);

/** The number at `at`; mcl reads the other end first and refuses what is not below the modulus. */
function readField(input: Uint8Array, at: number): mcl.Fp {
  const element = new mcl.Fp();
  element.deserialize(input.subarray(at, at + FIELD_BYTES).toReversed());
  return element;
}

/** Imaginary part first (EIP-197). */
function readField2(input: Uint8Array, at: number): mcl.Fp2 {
  const element = new mcl.Fp2();
  element.set_b(readField(input, at));
  element.set_a(readField(input, at + FIELD_BYTES));
  return element;
}

function readG1(input: Uint8Array): mcl.G1 {
  const point = new mcl.G1();
  const x = readField(input, 0);
  const y = readField(input, FIELD_BYTES);
  if (x.isZero() && y.isZero()) return point;
  point.setX(x);
  point.setY(y);
  point.setZ(one);
  if (!point.isValid()) throw invalid('point is not on the curve');
  return point;
}

function readG2(input: Uint8Array): mcl.G2 {
  const point = new mcl.G2();
  const x = readField2(input, 0);
  const y = readField2(input, 2 * FIELD_BYTES);
  if (x.isZero() && y.isZero()) return point;
  point.setX(x);
  point.setY(y);
  point.setZ(one2);
  if (!point.isValid() || !point.isValidOrder()) throw invalid('point is not in the group');
  return point;
}

function writeG1(point: mcl.G1): Uint8Array {
  if (point.isZero()) return new Uint8Array(2 * FIELD_BYTES);
  point.normalize();
  return concatBytes(point.getX().serialize().reverse(), point.getY().serialize().reverse());
}

/** What ethereumjs expects of a bn254 library; throws `BAD_POINT`, which it turns into a failed call. */
export const mclBn254 = {
  add(input: Uint8Array): Uint8Array {
    return writeG1(mcl.add(readG1(input.subarray(0, 64)), readG1(input.subarray(64, 128))));
  },
  mul(input: Uint8Array): Uint8Array {
    const scalar = new mcl.Fr();
    scalar.setStr((bytesToBigInt(input.subarray(64, 96)) % ORDER).toString(), 10);
    return writeG1(mcl.mul(readG1(input.subarray(0, 64)), scalar));
  },
  pairing(input: Uint8Array): Uint8Array {
    let product = new mcl.GT();
    product.setInt(1);
    for (let at = 0; at < input.length; at += PAIR_BYTES) {
      const g1 = readG1(input.subarray(at, at + 64));
      const g2 = readG2(input.subarray(at + 64, at + PAIR_BYTES));
      if (!g1.isZero() && !g2.isZero()) product = mcl.mul(product, mcl.millerLoop(g1, g2));
    }
    return uintBytes(mcl.finalExp(product).isOne() ? 1 : 0, 32);
  },
};
