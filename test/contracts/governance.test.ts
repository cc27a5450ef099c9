import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { id } from 'ethers';
import { defaultJobParameters } from '../../contracts/deploy.ts';
import { evaluate, GOOD_SCORE, jobPost, REWARD, startEvaluation } from '../support/contracts/jobSteps.ts';
import {
  call,
  createWorld,
  DRAW_DELAY,
  EVALUATOR_LOCK,
  mine,
  type World,
} from '../support/contracts/world.ts';

const PROPOSAL_SUCCEEDED = 4n;
const FOR = 1;

describe('governance', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });

  const newSplit = {
    ...defaultJobParameters,
    drawDelayBlocks: DRAW_DELAY,
    minEvaluatorStake: EVALUATOR_LOCK,
    workersBps: 8_000,
    evaluatorsBps: 1_400,
  };

  it('owns every contract through the timelock, and the deployer owns none', async () => {
    for (const contract of [world.jobs, world.work, world.court, world.staking, world.registry]) {
      const owned = contract as World['jobs'];
      assert.equal(await owned.getFunction('owner')(), world.addresses.timelock);
    }
    await assert.rejects(
      call(world.jobs, world.deployer, 'setParameters', newSplit),
      /OwnableUnauthorizedAccount/,
    );
    const adminRole = await world.timelock.DEFAULT_ADMIN_ROLE!();
    assert.equal(await world.timelock.hasRole!(adminRole, world.deployer.address), false);
  });

  it('changes the split by a proposal of stakers; the next job pays by it, an older one by its own', async () => {
    // Its evaluators have time enough to wait for the vote.
    const deadlines = { ...jobPost().deadlines, commitBlocks: 500 };
    const older = await startEvaluation(world, { deadlines });
    const data = world.jobs.interface.encodeFunctionData('setParameters', [newSplit]);
    const proposal = [[world.addresses.jobManager], [0n], [data]] as const;
    const description = 'More for evaluators';
    await assert.rejects(
      call(world.governor, world.outsider, 'propose', ...proposal, description),
      /GovernorInsufficientProposerVotes/,
    );
    await call(world.governor, world.validators[2]!, 'propose', ...proposal, description);
    const proposalId = await world.governor.hashProposal!(...proposal, id(description));
    await mine(world, 2);
    for (const validator of world.validators)
      await call(world.governor, validator, 'castVote', proposalId, FOR);
    await mine(world, 5);
    assert.equal(await world.governor.getFunction('state')(proposalId), PROPOSAL_SUCCEEDED);
    await call(world.governor, world.outsider, 'queue', ...proposal, id(description));
    await assert.rejects(
      call(world.governor, world.outsider, 'execute', ...proposal, id(description)),
      /TimelockUnexpectedOperationState/,
    );
    await world.provider.request({ method: 'evm_increaseTime', params: [11] });
    await call(world.governor, world.outsider, 'execute', ...proposal, id(description));
    assert.equal((await world.jobs.parameters!()).evaluatorsBps, 1_400n);

    const younger = await startEvaluation(world);
    const scores = [GOOD_SCORE, GOOD_SCORE, GOOD_SCORE];
    for (const [{ jobId, evaluators }, bps] of [
      [older, 400n],
      [younger, 1_400n],
    ] as const) {
      await evaluate(world, jobId, evaluators, scores);
      await call(world.jobs, world.outsider, 'completeJob', jobId);
      const { payouts } = await world.jobs.job!(jobId);
      assert.equal(payouts.evaluators, (REWARD * bps) / 10_000n);
      const { workers, evaluators: judges, burned, validators, refund } = payouts;
      assert.equal(workers + judges + burned + validators + refund, REWARD);
      assert.equal(refund, REWARD / 100n);
    }
  });

  it('refuses parameters that do not hang together', async () => {
    const timelock = {
      signer: await impersonated(world, world.addresses.timelock),
      address: world.addresses.timelock,
    };
    for (const broken of [
      { workersBps: 8_001 },
      { evaluatorSlashBps: 10_001 },
      { drawDelayBlocks: 0 },
      { maxRounds: 0 },
      { maxDeadlineBlocks: 0 },
      { minWorkerStake: 0n },
      { auditorsBps: 101 },
      { fullAuditBps: 99 },
      { fullAuditBps: 8_101 },
    ]) {
      await assert.rejects(
        call(world.jobs, timelock, 'setParameters', { ...newSplit, ...broken }),
        /JobManagerBadParameters/,
      );
    }
  });
});

async function impersonated({ provider, ethers }: World, address: string) {
  await provider.request({ method: 'hardhat_impersonateAccount', params: [address] });
  await provider.request({ method: 'hardhat_setBalance', params: [address, '0xde0b6b3a7640000'] });
  return ethers.getSigner(address);
}
