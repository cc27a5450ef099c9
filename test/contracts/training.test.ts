import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  fixRounds,
  jobPost,
  post,
  REWARD,
  roundClaim,
  signRound,
  startTraining,
  submitResult,
} from '../support/contracts/jobSteps.ts';
import { type Account, call, createWorld, type World } from '../support/contracts/world.ts';

describe('commitRound', () => {
  let world: World;
  let jobId: bigint;
  let slots: Account[];
  let snapshot: unknown;

  before(async () => {
    world = await createWorld();
    ({ jobId, slots } = await startTraining(world));
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  beforeEach(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  after(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  const commit = async (signers: Account[], { round = 0, signedRound = -1, contributors = 0b111n } = {}) => {
    const claim = roundClaim(round, contributors);
    const signatures = await signRound(world, jobId, signedRound < 0 ? round : signedRound, claim, signers);
    return call(world.jobs, slots[0]!, 'commitRound', jobId, round, claim, signatures);
  };
  const pick = (...indices: number[]) => indices.map((index) => slots[index]!);

  it('takes a strict majority in any order of slots', async () => {
    await commit(pick(2, 0));
    const stored: { contributors: bigint; loss: bigint } = await world.jobs.roundOf!(jobId, 0);
    assert.deepEqual([stored.contributors, stored.loss], [7n, -12_345n]);
    await commit(pick(0, 1, 2), { round: 1 });
    assert.equal((await world.jobs.job!(jobId)).roundsFixed, 2n);
  });

  it('refuses less than a majority, and more signatures than slots', async () => {
    await assert.rejects(commit(pick(0)), /JobManagerNoMajority/);
    await assert.rejects(commit([]), /JobManagerNoMajority/);
    await assert.rejects(commit(pick(0, 1, 2, 0)), /JobManagerNoMajority/);
  });

  it('refuses a signer twice', async () => {
    await assert.rejects(commit(pick(1, 1)), /JobManagerDuplicateSigner/);
  });

  it('refuses signatures of outsiders and of another round', async () => {
    await assert.rejects(commit([slots[0]!, world.outsider]), /JobManagerNotWorker/);
    await assert.rejects(commit(pick(0, 1), { round: 0, signedRound: 1 }), /JobManagerNotWorker/);
  });

  it('refuses a malformed and a malleable signature', async () => {
    const claim = roundClaim(0, 7n);
    const [first, second] = await signRound(world, jobId, 0, claim, pick(0, 1));
    const send = (signatures: string[]) =>
      call(world.jobs, slots[0]!, 'commitRound', jobId, 0, claim, signatures);
    await assert.rejects(send([first!, '0x1234']), /ECDSAInvalidSignatureLength/);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = (order - BigInt(`0x${second!.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const v = second!.endsWith('1b') ? '1c' : '1b';
    await assert.rejects(send([first!, `${second!.slice(0, 66)}${s}${v}`]), /ECDSAInvalidSignatureS/);
  });

  it('refuses rounds out of order, repeated or beyond the plan', async () => {
    await assert.rejects(commit(pick(0, 1), { round: 1 }), /JobManagerWrongRound/);
    await commit(pick(0, 1));
    await assert.rejects(commit(pick(0, 1)), /JobManagerWrongRound/);
    await fixRounds(world, jobId, slots, 3, { first: 1 });
    await assert.rejects(commit(pick(0, 1), { round: 4 }), /JobManagerWrongRound/);
  });

  it('refuses contributors that are nobody or no slot', async () => {
    await assert.rejects(commit(pick(0, 1), { contributors: 0n }), /JobManagerBadContributors/);
    await assert.rejects(commit(pick(0, 1), { contributors: 0b1000n }), /JobManagerBadContributors/);
  });

  it('pays every trace its unit, exactly in sum, and leaves the others to the client', async () => {
    await fixRounds(world, jobId, slots, 1, { contributors: 0b101n });
    await fixRounds(world, jobId, slots, 3, { first: 1 });
    const earned = await Promise.all([0, 1, 2].map((slot) => world.jobs.earnedOf!(jobId, slot)));
    const pool = REWARD - (REWARD * 500n) / 10_000n - (REWARD * 400n) / 10_000n - REWARD / 100n;
    const firstUnits = [0n, 1n, 2n].map((unit) => (pool * (unit + 1n)) / 12n - (pool * unit) / 12n);
    assert.equal(earned[0] + earned[1] + earned[2], pool - firstUnits[1]!);
    assert.ok(earned[1] < earned[0] && earned[1] < earned[2]);
  });

  it('takes a result only from a worker, after the last round, that opens the last state', async () => {
    await assert.rejects(submitResult(world, jobId, slots[0]!), /JobManagerWrongRound/);
    await fixRounds(world, jobId, slots, 4);
    await assert.rejects(submitResult(world, jobId, world.outsider), /JobManagerNotWorker/);
    await submitResult(world, jobId, slots[0]!);
    await assert.rejects(submitResult(world, jobId, slots[0]!), /JobManagerWrongState/);
  });

  it('refuses a result that does not open the last state', async () => {
    await fixRounds(world, jobId, slots, 4, { planned: 5 });
    await assert.rejects(submitResult(world, jobId, slots[0]!), /JobManagerStateMismatch/);
  });

  it('hands data keys from the client to workers only, within bounds', async () => {
    const deliver = (from: Account, to: Account, wrapped: string) =>
      call(world.jobs, from, 'deliverDataKey', jobId, to.address, wrapped);
    await deliver(world.client, slots[1]!, '0x1234');
    await assert.rejects(deliver(world.outsider, slots[1]!, '0x1234'), /JobManagerNotClient/);
    await assert.rejects(deliver(world.client, world.outsider, '0x1234'), /JobManagerNotWorker/);
    await assert.rejects(deliver(world.client, slots[1]!, '0x'), /JobManagerTooLong/);
    await assert.rejects(deliver(world.client, slots[1]!, `0x${'00'.repeat(513)}`), /JobManagerTooLong/);
  });
});

describe('postJob', () => {
  const deadlines = jobPost().deadlines;
  const cases: [string, Record<string, unknown>][] = [
    ['no workers', { workers: 0 }],
    ['too many workers', { workers: 65 }],
    ['an even number of evaluators', { evaluators: 4 }],
    ['one evaluator', { evaluators: 1 }],
    ['too many evaluators', { evaluators: 17 }],
    ['no rounds', { rounds: 0 }],
    ['too many rounds', { rounds: 10_001 }],
    ['an unknown mode', { mode: 2 }],
    ['no segments', { segments: 0 }],
    ['too many segments', { segments: 4_097 }],
    ['a target above one', { targetScorePpm: 1_000_001 }],
    ['too small a worker stake', { workerStake: 1n }],
    ['no document hash', { documentHash: `0x${'00'.repeat(32)}` }],
    ['no commitment to a test key', { testKeyCommitment: `0x${'00'.repeat(32)}` }],
    ['a step of no blocks', { deadlines: { ...deadlines, keyBlocks: 0 } }],
    ['an endless step', { deadlines: { ...deadlines, roundBlocks: 4_000_000_000 } }],
  ];
  let world: World;
  before(async () => {
    world = await createWorld();
  });

  for (const [name, overrides] of cases) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(post(world, overrides), /JobManagerBadPost/);
    });
  }

  it('refuses too small a reward and document ids that are absent or too long', async () => {
    await assert.rejects(post(world, {}, 1n), /JobManagerBadPost/);
    await assert.rejects(post(world, { documentCid: '0x' }), /JobManagerTooLong/);
    await assert.rejects(post(world, { documentCid: new Uint8Array(129) }), /JobManagerTooLong/);
    assert.equal(await world.jobs.jobCount!(), 0n);
  });

  it('asks volunteers for the bands and for free stake', async () => {
    const jobId = await post(world, { minimumBands: 4 });
    await assert.rejects(call(world.jobs, world.workers[0]!, 'assignWorker', jobId), /JobManagerIneligible/);
    const dear = await post(world, { workerStake: 10n ** 21n });
    await assert.rejects(
      call(world.jobs, world.workers[0]!, 'assignWorker', dear),
      /StakingInsufficientFree/,
    );
  });
});
