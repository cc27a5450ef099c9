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

test('a call of the blob precompile is mined, charged and leaves the block valid for others', async () => {
  const { application, accounts } = chain;
  const [, caller, other] = accounts;
  const send = async (key: string, to: string, data: string, nonce = 0) =>
    application.pool.add(
      fromHex(
        await new Wallet(key).signTransaction({
          type: 2,
          chainId: chain.spec.chainId,
          nonce,
          to,
          data,
          gasLimit: 200_000n,
          maxFeePerGas: 10n ** 10n,
          maxPriorityFeePerGas: 1n,
        }),
      ),
    );
  const precompile = `0x${'00'.repeat(19)}0a`;
  await send(caller!.privateKey, precompile, toHex(pointEvaluation()));
  await send(caller!.privateKey, precompile, '0x', 1);
  await send(other!.privateKey, accounts[3]!.address, '0x');
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
    },
    parent.stateRoot,
    block.transactions,
  );
  expect(toHex(again.header.hash())).toBe(toHex(block.header.hash()));
});
