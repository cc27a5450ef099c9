import { createHash } from 'node:crypto';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../../core/index.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
beforeAll(async () => {
  chain = await startSoloChain({ mining: 'manual' });
});
afterAll(() => chain.stop());

/** Input of the point evaluation with a commitment that fits its versioned hash (EIP-4844). */
function pointEvaluation(): Uint8Array {
  const infinity = Uint8Array.from({ length: 48 }, (_, index) => (index === 0 ? 0xc0 : 0));
  const hash = createHash('sha256').update(infinity).digest();
  hash[0] = 1;
  return concatBytes(hash, new Uint8Array(64), infinity, infinity);
}

const PRECOMPILE = `0x${'00'.repeat(19)}0a`;

async function send({ application, spec }: SoloChain, key: string, to: string, data: string, nonce = 0) {
  const signed = await new Wallet(key).signTransaction({
    type: 2,
    chainId: spec.chainId,
    nonce,
    to,
    data,
    gasLimit: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
  });
  await application.pool.add(fromHex(signed));
}

test('a call of the blob precompile is mined, charged and leaves the block valid for others', async () => {
  const { application, accounts } = chain;
  const [, caller, other] = accounts;
  await send(chain, caller!.privateKey, PRECOMPILE, toHex(pointEvaluation()));
  await send(chain, caller!.privateKey, PRECOMPILE, '0x', 1);
  await send(chain, other!.privateKey, accounts[3]!.address, '0x');
  await chain.mine();
  const receipts = application.store.receipts(1)!;
  expect(receipts.map((one) => [toHex(one.from), one.succeeded]).sort()).toEqual(
    [
      [caller!.address, false],
      [caller!.address, false],
      [other!.address, true],
    ].sort(),
  );
  expect(application.pool.count).toBe(0);
  const block = application.store.block(1)!;
  const { parentHash } = block.header;
  const parent = application.store.block(application.store.heightOf(parentHash)!)!.header;
  const again = await application.execution.replay(
    {
      number: 1,
      parentHash,
      coinbase: toHex(block.header.coinbase.bytes),
      timestamp: Number(block.header.timestamp),
      mixHash: block.header.mixHash,
      extraData: block.header.extraData,
      gasLimit: block.header.gasLimit,
      baseFeePerGas: block.header.baseFeePerGas!,
      work: null,
      verdict: null,
    },
    parent.stateRoot,
    block.transactions,
  );
  expect(toHex(again.header.hash())).toBe(toHex(block.header.hash()));
});

test('a transaction that breaks out of the EVM is left out; the others are mined', async () => {
  const broken = await startSoloChain({ mining: 'manual' });
  const { application, accounts } = broken;
  // Without its library the precompile throws, as a fault of the EVM would.
  delete application.common.customCrypto.kzg;
  await send(broken, accounts[1]!.privateKey, PRECOMPILE, '0x');
  await send(broken, accounts[2]!.privateKey, accounts[3]!.address, '0x');
  await broken.mine();
  expect(application.store.receipts(1)!.map((one) => toHex(one.from))).toEqual([accounts[2]!.address]);
  await broken.stop();
});
