/**
 * The bn254 precompiles (EIP-196, EIP-197) on mcl's WebAssembly: three times as fast as portable code, so that
 * pairing checks cannot be used to stall validators. Owns input decoding; gas is ethereumjs's.
 */
import mcl from 'mcl-wasm';
import { bytesToBigInt, FedaiError, uintBytes } from '../../core/index.ts';

await mcl.init(mcl.BN_SNARK1);

/** Base field's modulus (EIP-196). */
const P = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
/** Order of the groups (EIP-196). */
const ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const PAIR_BYTES = 192;

const invalid = (what: string): FedaiError => new FedaiError('BAD_POINT', `bn254: ${what}`);

function fieldElement(bytes: Uint8Array): bigint {
  const value = bytesToBigInt(bytes);
  if (value >= P) throw invalid('coordinate is not in the field');
  return value;
}

function readG1(input: Uint8Array): mcl.G1 {
  const point = new mcl.G1();
  const x = fieldElement(input.subarray(0, 32));
  const y = fieldElement(input.subarray(32, 64));
  if (x === 0n && y === 0n) {
    point.clear();
    return point;
  }
  point.setStr(`1 ${x} ${y}`, 10);
  if (!point.isValid()) throw invalid('point is not on the curve');
  return point;
}

/** Coordinates come imaginary part first (EIP-197); mcl reads the real part first. */
function readG2(input: Uint8Array): mcl.G2 {
  const [xi, xr, yi, yr] = [0, 32, 64, 96].map((at) => fieldElement(input.subarray(at, at + 32)));
  const point = new mcl.G2();
  if (xi === 0n && xr === 0n && yi === 0n && yr === 0n) {
    point.clear();
    return point;
  }
  point.setStr(`1 ${xr} ${xi} ${yr} ${yi}`, 10);
  if (!point.isValid() || !point.isValidOrder()) throw invalid('point is not in the group');
  return point;
}

function writeG1(point: mcl.G1): Uint8Array {
  const out = new Uint8Array(64);
  if (point.isZero()) return out;
  point.normalize();
  out.set(uintBytes(BigInt(point.getX().getStr(10)), 32), 0);
  out.set(uintBytes(BigInt(point.getY().getStr(10)), 32), 32);
  return out;
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
