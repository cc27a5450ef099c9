import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { AbiCoder, keccak256, sha256 } from 'ethers';
import { RECEIPT_SLOT } from '../../contracts/generated/index.ts';
import {
  EXIT,
  evaluate,
  FINAL_STATE,
  GOOD_SCORE,
  MODEL_HASH,
  PHASE,
  REWARD,
  STATE,
  startEvaluation,
} from '../support/contracts/jobSteps.ts';
import { type Account, call, createWorld, TEST_KEY, type World } from '../support/contracts/world.ts';

describe('a job that goes well', () => {
  let world: World;
  let jobId: bigint;
  let slots: Account[];
  let evaluators: Account[];

  before(async () => {
    world = await createWorld();
    ({ jobId, slots, evaluators } = await startEvaluation(world));
    assert.equal((await world.jobs.job!(jobId)).phase, BigInt(PHASE.Commit));
    await evaluate(world, jobId, evaluators, [GOOD_SCORE, GOOD_SCORE, GOOD_SCORE]);
    await call(world.jobs, world.client, 'publishTestKey', jobId, TEST_KEY);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
  });

  it('is Completed with the agreed score', async () => {
    const job = await world.jobs.job!(jobId);
    assert.equal(job.state, BigInt(STATE.Completed));
    assert.equal(job.exit, BigInt(EXIT.None));
    assert.equal(job.agreed.correct, 1_960n);
    assert.equal(job.modelHash, MODEL_HASH);
    assert.equal(job.lastStateRoot, FINAL_STATE);
    assert.equal(sha256(job.testKey), job.post.testKeyCommitment);
  });

  it('divides the escrow 90/4/4/1 to the wei, and returns the auditors’ part where nothing is audited', async () => {
    const { payouts } = await world.jobs.job!(jobId);
    const part = (bps: bigint) => (REWARD * bps) / 10_000n;
    assert.equal(payouts.evaluators, part(400n));
    assert.equal(payouts.burned, part(400n));
    assert.equal(payouts.validators, part(100n));
    assert.equal(payouts.refund, part(100n));
    const others = payouts.evaluators + payouts.burned + payouts.validators + payouts.refund;
    assert.equal(payouts.workers + others, REWARD);
    assert.equal(payouts.escrow, REWARD);
    assert.ok(payouts.workers - part(9_000n) < 5n);
  });

  it('credits every party, frees all stake and pays by withdrawal', async () => {
    const { payouts } = await world.jobs.job!(jobId);
    const creditOf = async (accounts: Account[]) => {
      let sum = 0n;
      for (const { address } of accounts) sum += await world.jobs.withdrawable!(address);
      return sum;
    };
    assert.equal(await creditOf(slots), payouts.workers);
    assert.equal(await creditOf(evaluators), payouts.evaluators);
    assert.equal(await creditOf(world.validators), payouts.validators);
    const everyone = [...slots, ...evaluators, ...world.validators, world.client];
    const balance = () => world.ethers.provider.getBalance(world.addresses.jobManager);
    assert.equal(await creditOf(everyone), await balance());
    for (const account of [...world.workers, ...world.evaluators]) {
      assert.equal(await world.staking.lockedOf!(account.address), 0n);
    }
    for (const account of everyone) await call(world.jobs, account, 'withdraw');
    assert.equal(await balance(), 0n);
    assert.equal(await world.ethers.provider.getBalance(`0x${'00'.repeat(20)}`), payouts.burned);
    await assert.rejects(call(world.jobs, slots[0]!, 'withdraw'), /JobManagerNothingToWithdraw/);
  });

  it('leaves a receipt whose hash is provable at the documented slot', async () => {
    const receipt = await world.jobs.jobReceipt!(jobId);
    const coder = AbiCoder.defaultAbiCoder();
    const key = keccak256(coder.encode(['uint256', 'uint256'], [jobId, RECEIPT_SLOT]));
    const stored = await world.ethers.provider.getStorage(world.addresses.jobManager, key);
    const fragment = world.jobs.interface.getFunction('jobReceipt')!;
    assert.equal(stored, keccak256(coder.encode(fragment.outputs, [receipt])));
    assert.equal(await world.jobs.receiptHash!(jobId), stored);
    assert.deepEqual(
      receipt.workers.toArray(),
      slots.map((account) => account.address),
    );
    assert.equal(receipt.agreeing.length, 3);
  });

  it('writes reputations', async () => {
    const worker = await world.registry.reputationOf!(slots[0]!.address);
    assert.deepEqual([worker.jobs, worker.rounds], [1n, 4n]);
    const evaluator = await world.registry.reputationOf!(evaluators[0]!.address);
    assert.deepEqual([evaluator.scoresAgreed, evaluator.scoresFailed], [1n, 0n]);
  });
});
