import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  byAddress,
  commitScores,
  deliverTestKeys,
  drawEvaluators,
  evaluate,
  fixRounds,
  GOOD_SCORE,
  PHASE,
  revealScores,
  type Score,
  salt,
  scoreCommitment,
  signScore,
  startEvaluation,
  startTraining,
  submitResult,
} from '../support/contracts/jobSteps.ts';
import {
  type Account,
  call,
  createWorld,
  NODE_STAKE,
  rolledBack,
  type World,
} from '../support/contracts/world.ts';

describe('evaluation', () => {
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

  const submitted = async () => {
    const { jobId, slots } = await startTraining(world);
    await fixRounds(world, jobId, slots, 4);
    await submitResult(world, jobId, slots[0]!);
    return { jobId, slots };
  };

  it('draws neither workers nor the client, though they are evaluators too', async () => {
    for (const node of [...world.workers, world.client]) {
      if (node === world.client) await call(world.staking, node, 'deposit', { value: NODE_STAKE });
      const method = node === world.client ? 'register' : 'update';
      await call(world.registry, node, method, 3, '0x0024080112', salt, salt, 3);
    }
    for (const evaluator of world.evaluators.slice(3)) await call(world.registry, evaluator, 'deregister');
    const { jobId, slots } = await submitted();
    // The pool is three evaluators and the one worker without a slot; three of the four are drawn.
    const drawn = await drawEvaluators(world, jobId);
    assert.equal(new Set(drawn).size, 3);
    for (const account of drawn) assert.ok(account && account !== world.client && !slots.includes(account));
  });

  it('passes over evaluators that came after the result', async () => {
    for (const evaluator of world.evaluators.slice(3)) await call(world.registry, evaluator, 'deregister');
    const { jobId } = await submitted();
    const late = world.evaluators[3]!;
    await call(world.registry, late, 'register', 2, '0x0024080112', salt, salt, 3);
    await assert.rejects(drawEvaluators(world, jobId), /JobManagerPoolTooSmall/);
  });

  it('waits for the beacon, and draws once', async () => {
    const { jobId } = await submitted();
    await assert.rejects(call(world.jobs, world.outsider, 'drawEvaluators', jobId), /JobManagerTooEarly/);
    await drawEvaluators(world, jobId);
    await assert.rejects(call(world.jobs, world.outsider, 'drawEvaluators', jobId), /JobManagerWrongPhase/);
  });

  it('takes test keys from the client, one for each drawn evaluator', async () => {
    const { jobId } = await submitted();
    const evaluators = await drawEvaluators(world, jobId);
    const deliver = (from: Account, to: Account) =>
      call(world.jobs, from, 'deliverTestKey', jobId, to.address, '0x5678');
    await assert.rejects(deliver(world.outsider, evaluators[0]!), /JobManagerNotClient/);
    await assert.rejects(deliver(world.client, world.outsider), /JobManagerNotEvaluator/);
    await assert.rejects(commitScores(world, jobId, new Map([[evaluators[0]!, GOOD_SCORE]])), /KeyMissing/);
    await deliverTestKeys(world, jobId, evaluators);
    await assert.rejects(deliver(world.client, evaluators[0]!), /JobManagerWrongPhase/);
    assert.equal((await world.jobs.job!(jobId)).phase, BigInt(PHASE.Commit));
  });

  it('takes one commitment and one matching, signed reveal from each', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    const [first, second, third] = evaluators as [Account, Account, Account];
    await assert.rejects(commitScores(world, jobId, new Map([[world.outsider, GOOD_SCORE]])), /NotEvaluator/);
    await commitScores(world, jobId, new Map([[first, GOOD_SCORE]]));
    await assert.rejects(commitScores(world, jobId, new Map([[first, GOOD_SCORE]])), /AlreadyCommitted/);
    await assert.rejects(revealScores(world, jobId, new Map([[first, GOOD_SCORE]])), /WrongPhase/);
    // The second copies the first's commitment; it cannot open it.
    const copied = scoreCommitment(jobId, first.address, GOOD_SCORE);
    await call(world.jobs, second, 'commitScore', jobId, copied);
    await commitScores(world, jobId, new Map([[third, GOOD_SCORE]]));
    await assert.rejects(revealScores(world, jobId, new Map([[second, GOOD_SCORE]])), /CommitmentMismatch/);
    const changed: Score = { ...GOOD_SCORE, correct: 1 };
    await assert.rejects(revealScores(world, jobId, new Map([[first, changed]])), /CommitmentMismatch/);
    const foreign = await signScore(world, jobId, second, GOOD_SCORE);
    await assert.rejects(
      call(world.jobs, first, 'revealScore', jobId, GOOD_SCORE, salt, foreign),
      /JobManagerWrongSigner/,
    );
    await revealScores(world, jobId, new Map([[first, GOOD_SCORE]]));
    await assert.rejects(revealScores(world, jobId, new Map([[first, GOOD_SCORE]])), /AlreadyRevealed/);
    assert.equal((await world.jobs.evaluationOf!(jobId, first.address)).score.correct, 1_960n);
  });

  it('refuses scores that are malformed or of another model', async () => {
    const malformed: Score[] = [
      { ...GOOD_SCORE, correct: 2_001 },
      { ...GOOD_SCORE, correct: 0, total: 0 },
      { ...GOOD_SCORE, modelHash: salt },
      { ...GOOD_SCORE, verdict: 2 },
      { ...GOOD_SCORE, verdict: 0 },
    ];
    const { jobId, evaluators } = await startEvaluation(world);
    for (const score of malformed) {
      const inner = await world.provider.request({ method: 'evm_snapshot' });
      const scores = new Map([
        [evaluators[0]!, score],
        [evaluators[1]!, GOOD_SCORE],
        [evaluators[2]!, GOOD_SCORE],
      ]);
      await commitScores(world, jobId, scores);
      await assert.rejects(revealScores(world, jobId, scores), /JobManagerBadScore/);
      await world.provider.request({ method: 'evm_revert', params: [inner] });
    }
  });

  it('locks the drawn evaluators only', async () => {
    const { jobId } = await submitted();
    const drawn = await drawEvaluators(world, jobId);
    const free = world.evaluators.filter((evaluator) => !drawn.includes(evaluator));
    for (const { address } of free) assert.equal(await world.staking.lockedOf!(address), 0n);
    assert.deepEqual(byAddress(world.evaluators, await world.jobs.evaluatorsOf!(jobId)), drawn);
  });

  it('redraws from those that were not drawn before, as long as they are enough', async () => {
    const disagree = async (evaluators: Account[], jobId: bigint) => {
      const scores = evaluators.map((_, i) => ({ ...GOOD_SCORE, correct: 100 + i }));
      await evaluate(world, jobId, evaluators, scores);
      await call(world.jobs, world.outsider, 'completeJob', jobId);
    };
    // Six in the pool, three drawn: the three others are too few for a draw of three.
    await rolledBack(world, async () => {
      const { jobId, evaluators } = await startEvaluation(world);
      await disagree(evaluators, jobId);
      assert.equal((await drawEvaluators(world, jobId)).length, 3);
    });
    const late = world.validators[0]!;
    await call(world.staking, late, 'deposit', { value: NODE_STAKE });
    await call(world.registry, late, 'register', 2, '0x0024080112', salt, salt, 3);
    world.evaluators.push(late);
    const { jobId, evaluators } = await startEvaluation(world);
    await disagree(evaluators, jobId);
    const again = await drawEvaluators(world, jobId);
    world.evaluators.pop();
    assert.ok(again.every((account) => !evaluators.includes(account)));
  });
});
