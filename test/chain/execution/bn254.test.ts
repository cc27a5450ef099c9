import { createEVM, NobleBN254 } from '@ethereumjs/evm';
import { createAddressFromString } from '@ethereumjs/util';
import { bn254 } from '@noble/curves/bn254.js';
import { expect, test } from 'vitest';
import { mclBn254 } from '../../../chain/execution/bn254.ts';
import {
  createChainCommon,
  createEvmPool,
  EMPTY_ROOT,
  memoryStateSource,
  StateDb,
} from '../../../chain/execution/index.ts';
import { concatBytes, seededRandom, toHex, uintBytes, utf8 } from '../../../core/index.ts';

const noble = new NobleBN254();
const random = seededRandom(utf8('bn254'));
const scalar = () => BigInt(1 + random.below(2 ** 47));
const g1 = (k: bigint) => {
  const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine();
  return concatBytes(uintBytes(x, 32), uintBytes(y, 32));
};
const g2 = (k: bigint) => {
  const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine();
  return concatBytes(uintBytes(x.c1, 32), uintBytes(x.c0, 32), uintBytes(y.c1, 32), uintBytes(y.c0, 32));
};
const outcome = (work: () => Uint8Array) => {
  try {
    return toHex(work());
  } catch {
    return 'failed';
  }
};

test('adds, multiplies and pairs as the portable library does, and refuses what it refuses', () => {
  for (let round = 0; round < 20; round++) {
    const [a, b] = [g1(scalar()), g1(scalar())];
    const inputs = [
      concatBytes(a, b),
      concatBytes(a, a),
      concatBytes(a, new Uint8Array(64)),
      new Uint8Array(128),
    ];
    const broken = concatBytes(a, b);
    broken[random.below(128)]! ^= 1;
    for (const input of [...inputs, broken]) {
      expect(outcome(() => mclBn254.add(input))).toBe(outcome(() => noble.add(input)));
    }
    const product = concatBytes(a, uintBytes(scalar(), 32));
    expect(outcome(() => mclBn254.mul(product))).toBe(outcome(() => noble.mul(product)));
  }
  const k = scalar();
  const order = bn254.fields.Fr.ORDER;
  const holds = concatBytes(g1(k), g2(1n), g1(order - k), g2(1n));
  const fails = concatBytes(g1(k), g2(1n), g1(order - k), g2(2n));
  const outside = concatBytes(g1(k), uintBytes(1, 32), uintBytes(2, 32), uintBytes(3, 32), uintBytes(4, 32));
  expect(BigInt(toHex(mclBn254.pairing(holds)))).toBe(1n);
  for (const input of [holds, fails, outside, new Uint8Array(0), new Uint8Array(192)]) {
    expect(outcome(() => mclBn254.pairing(input))).toBe(outcome(() => noble.pairing(input)));
  }
});

test('the machines of the chain use it for the precompile', async () => {
  const common = createChainCommon(1);
  const pool = createEvmPool(common, new StateDb(memoryStateSource()), () => new Uint8Array(32));
  const original = mclBn254.pairing;
  let used = 0;
  mclBn254.pairing = (input) => {
    used++;
    return original(input);
  };
  const to = createAddressFromString(`0x${'00'.repeat(19)}08`);
  const { execResult } = await pool.use(EMPTY_ROOT, ({ evm }) => evm.runCall({ to, gasLimit: 100_000n }));
  mclBn254.pairing = original;
  expect(used).toBe(1);
  const stock = await (await createEVM({ common: createChainCommon(1) })).runCall({ to, gasLimit: 100_000n });
  expect(toHex(execResult.returnValue)).toBe(toHex(stock.execResult.returnValue));
  expect(execResult.executionGasUsed).toBe(stock.execResult.executionGasUsed);
});
