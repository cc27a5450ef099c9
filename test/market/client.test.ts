import { expect, test } from 'vitest';
import { type Hex, sha256, toHex, uintBytes, utf8 } from '../../core/index.ts';
import { deriveKeys } from '../../core/keys/index.ts';
import { createClientAgent, type Evaluation, type Job, type Market, ZERO_HASH } from '../../market/index.ts';

const account = (n: number): Hex => toHex(uintBytes(n, 20));
const phrase =
  'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about';

test('an evaluator that took its reader key away, or has one of no use, holds up nobody else’s key', async () => {
  const { reader } = await deriveKeys(phrase);
  const readerKeys = new Map([
    [account(1), ZERO_HASH],
    [account(2), toHex(uintBytes(1, 32).reverse())],
    [account(3), toHex(reader.publicKey)],
  ]);
  const delivered = new Map<Hex, Hex>();
  const step = { state: 'Evaluating', phase: 'Keys', deadline: 100, drawHeight: 0 };
  const job = { id: 1n, postedAt: 0, accrued: { clearAt: 0 }, ...step };
  const market = {
    contracts: { jobManager: account(9) },
    chainId: async () => 1n,
    height: async () => 1,
    events: async () => [],
    job: async () => ({ ...job, state: delivered.size === 3 ? 'Failed' : 'Evaluating' }) as Job,
    evaluatorsOf: async () => [...readerKeys.keys()],
    evaluationOf: async (_: bigint, evaluator: Hex) =>
      ({ keyDelivered: delivered.has(evaluator), commitment: ZERO_HASH }) as Evaluation,
    nodeOf: async (evaluator: Hex) => ({ readerKey: readerKeys.get(evaluator)! }),
    deliverTestKey: async (_: bigint, evaluator: Hex, wrapped: Hex) => delivered.set(evaluator, wrapped),
    jobReceipt: async () => ({ state: 'Failed' }),
  };
  let height = 0;
  market.height = async () => ++height;
  const agent = createClientAgent({
    market: market as unknown as Market,
    testKey: sha256(utf8('test key')),
    pollMs: 1,
  });
  await agent.serve(1n, AbortSignal.timeout(5_000));
  expect(delivered.get(account(1))).toBe('0x00');
  expect(delivered.get(account(2))).toBe('0x00');
  expect(delivered.get(account(3))).toHaveLength(2 + 2 * 80);
});
