import { Wallet } from 'ethers';
import { beforeEach, describe, expect, test } from 'vitest';
import { createChainCommon } from '../../../chain/execution/index.ts';
import {
  createTxPool,
  type PooledTransaction,
  type PoolLimits,
  type SenderState,
  type TxPool,
  tipAt,
} from '../../../chain/txpool/index.ts';
import { selectTransactions } from '../../../chain/txpool/select.ts';
import { concatBytes, fromHex, type Hex, seededRandom, sha256, toHex, utf8 } from '../../../core/index.ts';

const CHAIN_ID = 31_337;
const GWEI = 1_000_000_000n;
const common = createChainCommon(CHAIN_ID);
const wallets = Array.from(
  { length: 4 },
  (_, index) => new Wallet(toHex(sha256(concatBytes(utf8('pool'), Uint8Array.of(index))))),
);
const sender = (index: number) => wallets[index]!.address.toLowerCase() as Hex;
let states: Map<Hex, SenderState>;
let pool: TxPool;

function makePool(limits: Partial<PoolLimits> = {}): TxPool {
  return createTxPool({
    common,
    blockGasLimit: 30_000_000n,
    senderState: (address) => states.get(address) ?? { nonce: 0n, balance: 10n ** 20n, isContract: false },
    limits,
  });
}

interface Sending {
  nonce?: number;
  tip?: bigint;
  fee?: bigint;
  gasLimit?: bigint;
  value?: bigint;
  data?: string;
  type?: number;
  chainId?: number;
}

async function raw(from: number, options: Sending = {}): Promise<Uint8Array> {
  const { nonce = 0, tip = GWEI, fee = 10n * GWEI, gasLimit = 21_000n, value = 1n, data = '0x' } = options;
  const prices = options.type === 0 ? { gasPrice: fee } : { maxFeePerGas: fee, maxPriorityFeePerGas: tip };
  return fromHex(
    await wallets[from]!.signTransaction({
      type: options.type ?? 2,
      chainId: options.chainId ?? CHAIN_ID,
      nonce,
      to: wallets[3]!.address,
      value,
      data,
      gasLimit,
      ...prices,
    }),
  );
}

const codeOf = async (adding: Promise<unknown>): Promise<string> =>
  adding.then(
    () => 'admitted',
    (error: { code: string }) => error.code,
  );
const add = async (from: number, options?: Sending) => codeOf(pool.add(await raw(from, options)));

beforeEach(() => {
  states = new Map();
  pool = makePool();
});

describe('admission', () => {
  test.each<[string, Sending]>([
    ['TX_INTRINSIC_GAS', { gasLimit: 20_999n }],
    ['TX_INTRINSIC_GAS', { gasLimit: 30_000n, data: `0x${'ff'.repeat(1000)}` }],
    ['TX_GAS_LIMIT', { gasLimit: 30_000_001n }],
    ['TX_INSUFFICIENT_FUNDS', { value: 10n ** 20n }],
    ['TX_NONCE_TOO_HIGH', { nonce: 65 }],
    ['TX_TOO_LARGE', { data: `0x${'00'.repeat(130 * 1024)}`, gasLimit: 5_000_000n }],
    ['BAD_TRANSACTION', { chainId: 1 }],
    ['admitted', { type: 0 }],
    ['admitted', { nonce: 64 }],
  ])('%s for %o', async (expected, options) => {
    expect(await add(0, options)).toBe(expected);
  });

  test('a nonce that is used up, and a sender with code', async () => {
    states.set(sender(0), { nonce: 5n, balance: 10n ** 20n, isContract: false });
    expect(await add(0, { nonce: 4 })).toBe('TX_NONCE_TOO_LOW');
    states.set(sender(0), { nonce: 0n, balance: 10n ** 20n, isContract: true });
    expect(await add(0)).toBe('TX_FROM_CONTRACT');
  });

  test('what already waits counts against the balance', async () => {
    states.set(sender(0), { nonce: 0n, balance: 500_000n * GWEI, isContract: false });
    expect(await add(0, { nonce: 0 })).toBe('admitted');
    expect(await add(0, { nonce: 1 })).toBe('admitted');
    expect(await add(0, { nonce: 2 })).toBe('TX_INSUFFICIENT_FUNDS');
  });

  test('junk is refused', async () => {
    for (const junk of [
      '0x',
      '0x00',
      '0x02',
      '0xc0',
      '0x03aa',
      `0x02${'00'.repeat(64)}`,
      `0xf8${'ff'.repeat(90)}`,
    ]) {
      expect(await codeOf(pool.add(fromHex(junk)))).toBe('BAD_TRANSACTION');
    }
  });

  test('the same transaction twice is known', async () => {
    expect(await add(0)).toBe('admitted');
    expect(await add(0)).toBe('TX_KNOWN');
  });
});

describe('replacement', () => {
  test('takes ten percent more of both caps', async () => {
    await add(0);
    expect(await add(0, { value: 2n, fee: 11n * GWEI, tip: GWEI })).toBe('TX_UNDERPRICED');
    expect(await add(0, { value: 2n, fee: 10n * GWEI, tip: 2n * GWEI })).toBe('TX_UNDERPRICED');
    expect(await add(0, { value: 2n, fee: 11n * GWEI, tip: 1_100_000_000n })).toBe('admitted');
    expect(pool.count).toBe(1);
    expect(pool.all()[0]!.tx.value).toBe(2n);
  });
});

describe('limits', () => {
  test('per sender', async () => {
    pool = makePool({ perSender: 2 });
    expect([await add(0), await add(0, { nonce: 1 }), await add(0, { nonce: 2 })]).toEqual([
      'admitted',
      'admitted',
      'TX_SENDER_LIMIT',
    ]);
  });

  test('when full, the cheapest last transaction of a sender makes room for a better one', async () => {
    pool = makePool({ transactions: 3 });
    await add(0, { tip: 3n * GWEI });
    await add(0, { nonce: 1, tip: GWEI });
    await add(1, { tip: 2n * GWEI });
    expect(await add(2, { tip: GWEI })).toBe('TX_POOL_FULL');
    expect(await add(2, { tip: 5n * GWEI })).toBe('admitted');
    expect(pool.all().map(({ tx }) => [tx.nonce, tx.getSenderAddress().toString()])).not.toContainEqual([
      1n,
      sender(0),
    ]);
    expect(pool.count).toBe(3);
  });

  test('bytes are counted and given back', async () => {
    const one = await raw(0);
    pool = makePool({ bytes: one.length + 10 });
    await pool.add(one);
    expect(pool.bytes).toBe(one.length);
    expect(await add(1)).toBe('TX_POOL_FULL');
    states.set(sender(0), { nonce: 1n, balance: 0n, isContract: false });
    pool.advance([sender(0)]);
    expect([pool.count, pool.bytes]).toEqual([0, 0]);
  });
});

describe('selection of many', () => {
  const random = seededRandom(utf8('selection'));
  const pooled = (sender: number, nonce: number, tip: bigint) =>
    ({ tx: { type: 0, gasPrice: tip, gasLimit: 21_000n, sender, nonce } }) as unknown as PooledTransaction;

  test('is that of a plain search, tips, ties and gas included', () => {
    for (let round = 0; round < 50; round++) {
      const queues = Array.from({ length: random.below(20) }, (_, sender) =>
        Array.from({ length: random.below(4) }, (_, nonce) => pooled(sender, nonce, BigInt(random.below(6)))),
      );
      const budget = BigInt(random.below(40)) * 21_000n;
      const left = queues.map((queue) => [...queue]);
      const expected: unknown[] = [];
      while (BigInt(expected.length + 1) * 21_000n <= budget) {
        const heads = left.filter((queue) => queue.length > 0 && tipAt(queue[0]!.tx, 2n) >= 0n);
        const best = heads.reduce<PooledTransaction[] | undefined>(
          (a, b) => (a !== undefined && tipAt(a[0]!.tx, 2n) >= tipAt(b[0]!.tx, 2n) ? a : b),
          undefined,
        );
        if (best === undefined) break;
        expected.push(best.shift()!.tx);
      }
      expect(selectTransactions(queues, 2n, budget)).toEqual(expected);
    }
  });

  test('of a full pool of as many senders takes no time that a round would miss', () => {
    const queues = Array.from({ length: 5_120 }, (_, sender) => [
      pooled(sender, 0, BigInt(random.below(1_000_000))),
    ]);
    const startedMs = performance.now();
    expect(selectTransactions(queues, 0n, 60_000_000n)).toHaveLength(2857);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});

describe('selection', () => {
  const picked = (baseFee: bigint, gas = 30_000_000n) =>
    pool.select(baseFee, gas).map((tx) => [tx.getSenderAddress().toString(), Number(tx.nonce)]);

  test('best tip first, nonces in order, nothing behind a gap', async () => {
    await add(0, { nonce: 1, tip: 9n * GWEI });
    await add(0, { nonce: 0, tip: 2n * GWEI });
    await add(1, { nonce: 0, tip: 3n * GWEI });
    await add(2, { nonce: 1, tip: 5n * GWEI });
    expect(picked(0n)).toEqual([
      [sender(1), 0],
      [sender(0), 0],
      [sender(0), 1],
    ]);
    expect(pool.nextNonce(sender(0))).toBe(2n);
    expect(pool.nextNonce(sender(2))).toBe(0n);
  });

  test('who cannot pay the base fee waits, and holds back later nonces', async () => {
    await add(0, { fee: 2n * GWEI });
    await add(0, { nonce: 1, fee: 50n * GWEI });
    await add(1);
    expect(picked(3n * GWEI)).toEqual([[sender(1), 0]]);
    expect(picked(2n * GWEI).length).toBe(3);
  });

  test('keeps within the gas it is given', async () => {
    await add(0, { tip: 5n * GWEI, gasLimit: 100_000n });
    await add(1, { gasLimit: 21_000n });
    expect(picked(0n, 50_000n)).toEqual([[sender(1), 0]]);
    expect(picked(0n, 121_000n).length).toBe(2);
  });

  test('after a block the mined and the unpayable are gone', async () => {
    for (const nonce of [0, 1, 2]) await add(0, { nonce });
    states.set(sender(0), { nonce: 1n, balance: 250_000n * GWEI, isContract: false });
    pool.advance([sender(0)]);
    expect(pool.all().map(({ tx }) => tx.nonce)).toEqual([1n]);
  });
});
