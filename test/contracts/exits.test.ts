import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  BAD_KEY,
  BAD_SET,
  bytes32,
  closeAssignment,
  commitScores,
  deliverTestKeys,
  drawEvaluators,
  dueOf,
  EXIT,
  evaluate,
  fixRounds,
  GOOD_SCORE,
  PHASE,
  post,
  REWARD,
  revealScores,
  type Score,
  STATE,
  startEvaluation,
  startTraining,
  submitResult,
  volunteer,
} from '../support/contracts/jobSteps.ts';
import {
  call,
  createWorld,
  EVALUATOR_LOCK,
  NODE_STAKE,
  passDeadline,
  passDraw,
  TEST_KEY,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

const OTHER_SCORE: Score = { ...GOOD_SCORE, correct: 1_700, outputsRoot: bytes32('other outputs') };
const THIRD_SCORE: Score = { ...GOOD_SCORE, correct: 1_500, outputsRoot: bytes32('third outputs') };
const EVALUATOR_SLASH = EVALUATOR_LOCK / 10n;
const part = (bps: bigint) => (REWARD * bps) / 10_000n;
const workersPool = REWARD - part(400n) - part(100n) - part(400n) - part(100n);

describe('the exits of a job', () => {
  let world: World;
  let snapshot: unknown;

  before(async () => {
    world = await createWorld();
  });
  beforeEach(async () => {
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  const expectEnd = async (
    jobId: bigint,
    state: number,
    exit: number,
    due: { workers: bigint; evaluators: bigint; burned: bigint; validators: bigint },
  ) => {
    const job = await world.jobs.job!(jobId);
    assert.deepEqual([job.state, job.exit], [BigInt(state), BigInt(exit)]);
    const { workers, evaluators, burned, validators, refund, escrow } = job.payouts;
    assert.deepEqual({ workers, evaluators, burned, validators }, due);
    assert.equal(workers + evaluators + burned + validators + refund, escrow);
    assert.equal(escrow, REWARD);
    assert.equal(await world.jobs.withdrawable!(world.client.address), refund);
    assert.notEqual(await world.jobs.receiptHash!(jobId), `0x${'00'.repeat(32)}`);
    const balance = await world.ethers.provider.getBalance(world.addresses.jobManager);
    assert.equal(balance, escrow - burned);
    for (const { address } of [...world.workers, ...world.evaluators]) {
      assert.equal(await world.staking.lockedOf!(address), 0n);
    }
  };
  const nothing = { workers: 0n, evaluators: 0n, burned: 0n, validators: 0n };
  const workersOnly = (rounds: bigint, bitmap = 0b111n) => ({
    workers: dueOf(workersPool, rounds, { bitmap }),
    evaluators: 0n,
    burned: dueOf(part(400n), rounds, { bitmap }),
    validators: dueOf(part(100n), rounds, { bitmap }),
  });
  const stakeLost = async (address: string) => NODE_STAKE - (await world.staking.stakeOf!(address));

  it('too few workers: everything is refunded', async () => {
    const jobId = await post(world);
    await volunteer(world, jobId, world.workers.slice(0, 2));
    assert.equal(await world.staking.lockedOf!(world.workers[0]!.address), WORKER_STAKE);
    await assert.rejects(call(world.jobs, world.outsider, 'closeAssignment', jobId), /JobManagerTooEarly/);
    await passDraw(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.TooFewWorkers, nothing);
  });

  it('cancelled by its client: everything is refunded', async () => {
    const jobId = await post(world);
    await volunteer(world, jobId, world.workers);
    await assert.rejects(call(world.jobs, world.outsider, 'cancelJob', jobId), /JobManagerNotClient/);
    await call(world.jobs, world.client, 'cancelJob', jobId);
    await expectEnd(jobId, STATE.Cancelled, EXIT.ClientCancelled, nothing);
    await assert.rejects(call(world.jobs, world.client, 'cancelJob', jobId), /JobManagerWrongState/);
  });

  it('a job in training cannot be cancelled', async () => {
    const { jobId } = await startTraining(world);
    await assert.rejects(call(world.jobs, world.client, 'cancelJob', jobId), /JobManagerWrongState/);
  });

  it('workers absent from the start: everything is refunded, nobody is to blame', async () => {
    const { jobId, slots } = await startTraining(world);
    await assert.rejects(call(world.jobs, world.outsider, 'expireJob', jobId), /JobManagerTooEarly/);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.WorkersAbsent, nothing);
    assert.equal(await stakeLost(slots[0]!.address), 0n);
  });

  it('workers absent after two of four rounds: their traces are paid, the slot without any is slashed', async () => {
    const { jobId, slots } = await startTraining(world);
    await fixRounds(world, jobId, slots, 2, { contributors: 0b011n });
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.WorkersAbsent, workersOnly(2n, 0b011n));
    assert.equal(await world.jobs.withdrawable!(slots[2]!.address), 0n);
    assert.equal(await stakeLost(slots[2]!.address), WORKER_STAKE / 100n);
    assert.equal(await stakeLost(slots[1]!.address), 0n);
  });

  it('a round cannot be committed past its deadline', async () => {
    const { jobId, slots } = await startTraining(world);
    await passDeadline(world, jobId);
    await assert.rejects(fixRounds(world, jobId, slots, 1), /JobManagerDeadlinePassed/);
  });

  it('result absent: all rounds are paid', async () => {
    const { jobId, slots } = await startTraining(world);
    await fixRounds(world, jobId, slots, 4);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.ResultAbsent, workersOnly(4n));
  });

  it('too small a pool of evaluators: settled for the workers', async () => {
    for (const evaluator of world.evaluators.slice(3)) await call(world.registry, evaluator, 'deregister');
    const { jobId, slots } = await startTraining(world);
    await fixRounds(world, jobId, slots, 4);
    await submitResult(world, jobId, slots[0]!);
    await assert.rejects(drawEvaluators(world, jobId), /JobManagerPoolTooSmall/);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.EvaluatorsAbsent, workersOnly(4n));
  });

  it('test key absent for one evaluator: settled for the workers, no evaluator slashed', async () => {
    const { jobId, slots } = await startTraining(world);
    await fixRounds(world, jobId, slots, 4);
    await submitResult(world, jobId, slots[0]!);
    const evaluators = await drawEvaluators(world, jobId);
    assert.equal(await world.staking.lockedOf!(evaluators[0]!.address), EVALUATOR_LOCK);
    await deliverTestKeys(world, jobId, evaluators.slice(0, 2));
    await commitScores(world, jobId, new Map([[evaluators[0]!, GOOD_SCORE]]));
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.TestKeyAbsent, workersOnly(4n));
    for (const { address } of evaluators) assert.equal(await stakeLost(address), 0n);
  });

  it('evaluators absent in both draws', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    assert.equal((await world.jobs.job!(jobId)).phase, BigInt(PHASE.Draw));
    const again = await drawEvaluators(world, jobId);
    await deliverTestKeys(world, jobId, again);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.EvaluatorsAbsent, workersOnly(4n));
    for (const { address } of world.evaluators) {
      const draws = [evaluators, again].filter((drawn) => drawn.some((one) => one.address === address));
      assert.equal(await stakeLost(address), EVALUATOR_SLASH * BigInt(draws.length));
    }
  });

  it('no agreement, then a redraw that agrees', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    await evaluate(world, jobId, evaluators, [GOOD_SCORE, OTHER_SCORE, THIRD_SCORE]);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    for (const { address } of evaluators) assert.equal(await stakeLost(address), 0n);
    const again = await drawEvaluators(world, jobId);
    await deliverTestKeys(world, jobId, again);
    await evaluate(world, jobId, again, [GOOD_SCORE, GOOD_SCORE, GOOD_SCORE]);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    await expectEnd(jobId, STATE.Completed, EXIT.None, { ...workersOnly(4n), evaluators: part(400n) });
  });

  it('no agreement twice: settled for the workers', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    const scores = [GOOD_SCORE, OTHER_SCORE, THIRD_SCORE];
    await evaluate(world, jobId, evaluators, scores);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    const again = await drawEvaluators(world, jobId);
    await deliverTestKeys(world, jobId, again);
    await evaluate(world, jobId, again, scores);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    await expectEnd(jobId, STATE.Failed, EXIT.NoAgreement, workersOnly(4n));
  });

  it('an outlier is slashed and unpaid, the two that agree share', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    await evaluate(world, jobId, evaluators, [GOOD_SCORE, OTHER_SCORE, GOOD_SCORE]);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    await expectEnd(jobId, STATE.Completed, EXIT.None, { ...workersOnly(4n), evaluators: part(400n) });
    const [first, outlier, third] = evaluators.map(({ address }) => address);
    assert.equal(await stakeLost(outlier!), EVALUATOR_SLASH);
    assert.equal(await world.jobs.withdrawable!(outlier), 0n);
    assert.equal(await world.jobs.withdrawable!(first), part(400n) - part(400n) / 2n);
    assert.equal(await world.jobs.withdrawable!(third), part(400n) / 2n);
    assert.equal((await world.registry.reputationOf!(outlier)).slashes, 1n);
  });

  it('an absentee is slashed, the two that agree settle after the deadline', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    const scores = new Map(evaluators.map((account) => [account, GOOD_SCORE]));
    await commitScores(world, jobId, scores);
    scores.delete(evaluators[2]!);
    await revealScores(world, jobId, scores);
    await assert.rejects(call(world.jobs, world.outsider, 'completeJob', jobId), /JobManagerTooEarly/);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    await expectEnd(jobId, STATE.Completed, EXIT.None, { ...workersOnly(4n), evaluators: part(400n) });
    assert.equal(await stakeLost(evaluators[2]!.address), EVALUATOR_SLASH);
  });

  for (const [name, score, exit] of [
    ['bad test set', BAD_SET, EXIT.BadTestSet],
    ['wrong test key', BAD_KEY, EXIT.TestKeyAbsent],
  ] as const) {
    it(`${name}: the evaluators that agree on it are paid, and so are the workers`, async () => {
      const { jobId, evaluators } = await startEvaluation(world);
      await evaluate(world, jobId, evaluators, [score, score, score]);
      await call(world.jobs, world.outsider, 'completeJob', jobId);
      await expectEnd(jobId, STATE.Failed, exit, { ...workersOnly(4n), evaluators: part(400n) });
    });
  }

  it('a settled job takes no further step', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    await assert.rejects(
      call(world.jobs, world.client, 'publishTestKey', jobId, TEST_KEY),
      /JobManagerWrongPhase/,
    );
    await evaluate(world, jobId, evaluators, [GOOD_SCORE, GOOD_SCORE, GOOD_SCORE]);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    for (const method of ['completeJob', 'expireJob', 'cancelJob', 'closeAssignment', 'drawEvaluators']) {
      await assert.rejects(call(world.jobs, world.client, method, jobId), /JobManagerWrongState/);
    }
    const wrongKey = bytes32('wrong');
    await assert.rejects(
      call(world.jobs, world.client, 'publishTestKey', jobId, wrongKey),
      /JobManagerKeyMismatch/,
    );
    await call(world.jobs, world.outsider, 'publishTestKey', jobId, TEST_KEY);
    await assert.rejects(call(world.jobs, world.outsider, 'expireJob', 99n), /JobManagerUnknownJob/);
  });

  it('slots and evaluators go to others than the client, and to distinct accounts', async () => {
    const jobId = await post(world);
    await assert.rejects(call(world.jobs, world.client, 'assignWorker', jobId), /JobManagerIneligible/);
    await assert.rejects(
      call(world.jobs, world.evaluators[0]!, 'assignWorker', jobId),
      /JobManagerIneligible/,
    );
    await volunteer(world, jobId, world.workers);
    await assert.rejects(
      call(world.jobs, world.workers[0]!, 'assignWorker', jobId),
      /JobManagerAlreadyVolunteered/,
    );
    const slots = await closeAssignment(world, jobId);
    assert.equal(new Set(slots).size, 3);
    const left = world.workers.find((worker) => !slots.includes(worker))!;
    assert.equal(await world.staking.lockedOf!(left.address), 0n);
  });
});
