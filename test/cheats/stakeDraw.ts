/** contracts/libraries/StakeDraw.sol in TypeScript: a test holds the two equal. */
import {
  bytesToBigInt,
  concatBytes,
  fromHex,
  type Hex,
  keccak256,
  toHex,
  uintBytes,
} from '../../core/index.ts';

export interface Candidate {
  readonly account: Hex;
  readonly stake: bigint;
}

/** `count` distinct candidates, the earliest of exponential arrival times with stake as rate. */
export function drawByStake(seed: Uint8Array, candidates: readonly Candidate[], count: number): Hex[] {
  const times = candidates.map(({ account, stake }) => ({ account, stake, time: arrival(seed, account) }));
  const drawn: Hex[] = [];
  const left = [...times];
  while (drawn.length < count && left.length > 0) {
    let best = 0;
    for (let i = 1; i < left.length; i++) {
      if (left[i]!.time * left[best]!.stake < left[best]!.time * left[i]!.stake) best = i;
    }
    drawn.push(left.splice(best, 1)[0]!.account);
  }
  return drawn;
}

/** keccak256(abi.encode(seed, account)) as a time. */
const arrival = (seed: Uint8Array, account: Hex): bigint =>
  minusLog2(bytesToBigInt(keccak256(concatBytes(seed, new Uint8Array(12), fromHex(account, 20)))));

/** -log2(x / 2^256) in units of 2^-64, rounded up. */
export function minusLog2(x: bigint): bigint {
  const value = x === 0n ? 1n : x;
  const exponent = BigInt(value.toString(2).length - 1);
  let mantissa = exponent >= 127n ? value >> (exponent - 127n) : value << (127n - exponent);
  let fraction = 0n;
  for (let bit = 0; bit < 64; bit++) {
    mantissa = (mantissa * mantissa) >> 127n;
    fraction <<= 1n;
    if (mantissa >> 128n !== 0n) {
      mantissa >>= 1n;
      fraction |= 1n;
    }
  }
  return (256n << 64n) - ((exponent << 64n) | fraction);
}

/** Account number `index` of a kind, without a key behind it. */
export const accountOf = (kind: string, index: number): Hex =>
  toHex(keccak256(new TextEncoder().encode(`${kind} ${index}`)).subarray(12));

/** keccak256(abi.encode("fedai-draw-auditors/1", chain id, trace, beacon)). */
export function auditSeed(chainId: bigint, traceId: number, beacon: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode('fedai-draw-auditors/1');
  const padded = new Uint8Array(32);
  padded.set(text);
  return keccak256(
    concatBytes(
      ...[uintBytes(128, 32), uintBytes(chainId, 32), uintBytes(traceId, 32), beacon],
      ...[uintBytes(text.length, 32), padded],
    ),
  );
}
