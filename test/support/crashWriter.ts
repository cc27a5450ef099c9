/** Commits blocks with transfers for ever and prints each height once it is on disk; its parent kills it. */
import { Wallet } from 'ethers';
import { createApplication } from '../../chain/index.ts';
import { fromHex } from '../../core/index.ts';
import { decideOne, soloSpec, testAccount } from './soloChain.ts';

const spec = await soloSpec();
const application = await createApplication({ spec, directory: process.argv[2]! });
const sender = testAccount(1);
const wallet = new Wallet(sender.privateKey);
for (;;) {
  let nonce = application.pool.nextNonce(sender.address);
  for (let count = 0; count < 5; count++) {
    const raw = await wallet.signTransaction({
      type: 2,
      chainId: spec.chainId,
      nonce: Number(nonce++),
      to: testAccount(2 + count).address,
      value: 1n,
      gasLimit: 21_000n,
      maxFeePerGas: 10_000_000_000n,
      maxPriorityFeePerGas: 1n,
    });
    await application.pool.add(fromHex(raw));
  }
  const { commit } = await decideOne(application);
  console.log(commit.height);
}
