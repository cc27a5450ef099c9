import { NobleBLS } from '@ethereumjs/evm';
import { createAddressFromString } from '@ethereumjs/util';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { expect, test } from 'vitest';
import { mclBls } from '../../../chain/execution/bls12381.ts';
import { mclBn254 } from '../../../chain/execution/bn254.ts';
import {
  createChainCommon,
  createEvmPool,
  EMPTY_ROOT,
  memoryStateSource,
  StateDb,
} from '../../../chain/execution/index.ts';
import { concatBytes, seededRandom, toHex, uintBytes, utf8 } from '../../../core/index.ts';

const noble = new NobleBLS();
const random = seededRandom(utf8('bls12-381'));
const { Fp, Fr } = bls12_381.fields;
const coordinates = (...elements: bigint[]) => concatBytes(...elements.map((one) => uintBytes(one, 64)));
const scalar = () => BigInt(1 + random.below(2 ** 47)) ** 5n;
const element = () => BigInt(1 + random.below(2 ** 47)) ** 8n % Fp.ORDER;
const g1 = (k: bigint) => {
  const { x, y } = bls12_381.G1.Point.BASE.multiply(k % Fr.ORDER).toAffine();
  return coordinates(x, y);
};
const g2 = (k: bigint) => {
  const { x, y } = bls12_381.G2.Point.BASE.multiply(k % Fr.ORDER).toAffine();
  return coordinates(x.c0, x.c1, y.c0, y.c1);
};
const g1s = [g1(1n), g1(2n), g1(3n), g1(4n)];
const negated1 = (k: bigint) => g1(Fr.ORDER - (k % Fr.ORDER));
const outcome = (work: () => Uint8Array): string => {
  try {
    return toHex(work());
  } catch {
    return 'failed';
  }
};
type Operation = Exclude<keyof typeof mclBls, 'init'>;
const agrees = (operation: Operation, input: Uint8Array): string => {
  const copy = Uint8Array.from(input);
  const mine = outcome(() => mclBls[operation](input));
  const theirs = outcome(() => noble[operation](input));
  expect([operation, toHex(input), mine]).toEqual([operation, toHex(copy), theirs]);
  return mine;
};
/** The input with one byte changed: of the points themselves, not of their padding, which ethereumjs checks before. */
const spoilt = (input: Uint8Array) => {
  const at = 16 + random.below(48);
  return input.with(at, input[at]! ^ (1 << random.below(8)));
};

const O1 = new Uint8Array(128);
const O2 = new Uint8Array(256);

test('adds and maps as the portable library does, and refuses what it refuses', () => {
  const k = scalar();
  const [a1, b1, a2, b2] = [g1(k), g1(scalar()), g2(k), g2(scalar())];
  const minus2 = g2(Fr.ORDER - (k % Fr.ORDER));
  for (const input of [
    [a1, b1],
    [a1, a1],
    [a1, negated1(k)],
    [a1, O1],
    [O1, O1],
  ])
    agrees('addG1', concatBytes(...input));
  for (const input of [
    [a2, b2],
    [a2, a2],
    [a2, minus2],
    [O2, b2],
    [O2, O2],
  ])
    agrees('addG2', concatBytes(...input));
  for (let round = 0; round < 6; round++) {
    agrees('addG1', spoilt(concatBytes(a1, b1)));
    agrees('addG2', spoilt(concatBytes(a2, b2)));
  }
  const top = Fp.ORDER;
  for (const u of [0n, 1n, top - 1n, element(), element()]) {
    agrees('mapFPtoG1', coordinates(u));
    agrees('mapFP2toG2', coordinates(u, element()));
  }
  agrees('mapFP2toG2', coordinates(0n, 0n));
  for (const u of [top, top + 1n, 2n ** 384n - 1n]) {
    expect(agrees('mapFPtoG1', coordinates(u))).toBe('failed');
    expect(agrees('mapFP2toG2', coordinates(u, 1n))).toBe('failed');
    expect(agrees('mapFP2toG2', coordinates(1n, u))).toBe('failed');
  }
  const { x, y } = bls12_381.G1.Point.BASE.toAffine();
  expect(agrees('addG1', concatBytes(coordinates(x + top, y), b1))).toBe('failed');
});

test('sums multiples as the portable library does', () => {
  const k = scalar();
  const full = uintBytes(2n ** 256n - 1n, 32);
  const scalars = [uintBytes(0, 32), uintBytes(1, 32), uintBytes(Fr.ORDER, 32), uintBytes(k, 32), full];
  for (const one of scalars) {
    agrees('msmG1', concatBytes(g1(k), one));
    agrees('msmG2', concatBytes(g2(k), one));
  }
  const twin = uintBytes(scalar(), 32);
  const sums1 = [g1(k), twin, negated1(k), twin, O1, twin, g1(7n), full, g1(7n), uintBytes(3, 32)];
  const sums2 = [g2(k), twin, g2(k), uintBytes(5, 32), O2, twin, g2(9n), full];
  agrees('msmG1', concatBytes(...sums1));
  agrees('msmG1', concatBytes(...sums1.slice(0, 4)));
  agrees('msmG2', concatBytes(...sums2));
  // Long sums take another algorithm, and are made in pieces.
  let total = 0n;
  const many = Array.from({ length: 1_030 }, (_, i) => {
    const factor = scalar() % Fr.ORDER;
    const point = BigInt(1 + (i % 4));
    total += factor * point;
    return concatBytes(g1s[i % 4]!, uintBytes(factor, 32));
  });
  expect(toHex(mclBls.msmG1(concatBytes(...many)))).toBe(toHex(g1(total)));
  agrees('msmG1', spoilt(concatBytes(...sums1)));
  agrees('msmG2', spoilt(concatBytes(...sums2)));
});

test('pairs as the portable library does, and asks for the group', () => {
  const k = scalar();
  const holds = concatBytes(g1(k), g2(1n), negated1(1n), g2(k));
  const fails = concatBytes(g1(k), g2(1n), negated1(1n), g2(k + 1n));
  expect(BigInt(agrees('pairingCheck', holds))).toBe(1n);
  expect(BigInt(agrees('pairingCheck', fails))).toBe(0n);
  for (const input of [
    concatBytes(O1, g2(k)),
    concatBytes(g1(k), O2),
    concatBytes(O1, O2),
    concatBytes(holds, O1, g2(k)),
  ]) {
    expect(BigInt(agrees('pairingCheck', input))).toBe(1n);
  }
  agrees('pairingCheck', spoilt(holds));
  // On the curve, but not in the group.
  let x = 1n;
  let y: bigint | undefined;
  while (y === undefined) {
    try {
      y = Fp.sqrt(Fp.add(Fp.pow(++x, 3n), 4n));
    } catch {}
  }
  const outside = coordinates(x, y);
  expect(agrees('addG1', concatBytes(outside, g1(k)))).not.toBe('failed');
  expect(agrees('msmG1', concatBytes(outside, uintBytes(1, 32)))).toBe('failed');
  expect(agrees('pairingCheck', concatBytes(outside, g2(1n)))).toBe('failed');
});

test('the machines of the chain use it, beside the other curve', async () => {
  const pool = createEvmPool(
    createChainCommon(1),
    new StateDb(memoryStateSource()),
    () => new Uint8Array(32),
  );
  const original = mclBls.mapFPtoG1;
  let used = 0;
  mclBls.mapFPtoG1 = (input) => {
    used++;
    return original(input);
  };
  const to = createAddressFromString(`0x${'00'.repeat(19)}10`);
  const data = coordinates(5n);
  const { execResult } = await pool.use(EMPTY_ROOT, ({ evm }) =>
    evm.runCall({ to, data, gasLimit: 100_000n }),
  );
  mclBls.mapFPtoG1 = original;
  expect(used).toBe(1);
  expect(execResult.executionGasUsed).toBe(5_500n);
  expect(toHex(execResult.returnValue)).toBe(toHex(noble.mapFPtoG1(data)));
  expect(BigInt(toHex(mclBn254.pairing(new Uint8Array(192))))).toBe(1n);
});
