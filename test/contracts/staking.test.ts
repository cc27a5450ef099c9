import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { ZeroAddress } from 'ethers';
import { bytes32, post, volunteer } from '../support/contracts/jobSteps.ts';
import {
  type Account,
  call,
  createWorld,
  height,
  mine,
  NODE_STAKE,
  TRAIN,
  VALIDATOR_STAKES,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

const UNBONDING_BLOCKS = 20;
const READER_KEY = bytes32('reader');

describe('stake, registry and beacons', () => {
  let world: World;
  let worker: Account;
  let snapshot: unknown;

  before(async () => {
    world = await createWorld();
    worker = world.workers[0]!;
  });
  beforeEach(async () => {
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  it('counts stake as votes, now and in the past', async () => {
    const before = await height(world);
    await call(world.staking, world.outsider, 'depositFor', worker.address, { value: TRAIN });
    assert.equal(await world.staking.stakeOf!(worker.address), NODE_STAKE + TRAIN);
    assert.equal(await world.staking.getVotes!(worker.address), NODE_STAKE + TRAIN);
    assert.equal(await world.staking.pastStakeOf!(worker.address, before), NODE_STAKE);
    await assert.rejects(call(world.staking, worker, 'deposit'), /StakingZeroAmount/);
  });

  it('releases unbonded stake after the delay, not before', async () => {
    await call(world.staking, worker, 'requestUnbond', TRAIN);
    assert.equal(await world.staking.getVotes!(worker.address), NODE_STAKE - TRAIN);
    await assert.rejects(call(world.staking, worker, 'withdrawUnbonded'), /StakingNothingToWithdraw/);
    await mine(world, UNBONDING_BLOCKS);
    const held = await world.ethers.provider.getBalance(world.addresses.staking);
    await call(world.staking, worker, 'withdrawUnbonded');
    assert.equal(await world.ethers.provider.getBalance(world.addresses.staking), held - TRAIN);
  });

  it('does not unbond what is locked, and bounds the requests', async () => {
    await volunteer(world, await post(world), [worker]);
    assert.equal(await world.staking.freeStakeOf!(worker.address), NODE_STAKE - WORKER_STAKE);
    await assert.rejects(call(world.staking, worker, 'requestUnbond', NODE_STAKE), /InsufficientFree/);
    for (let i = 0; i < 16; i++) await call(world.staking, worker, 'requestUnbond', 1n);
    await assert.rejects(call(world.staking, worker, 'requestUnbond', 1n), /StakingTooManyUnbonds/);
  });

  it('lets only lockers lock, unlock and slash', async () => {
    for (const [method, ...args] of [
      ['lock', worker.address, 1n],
      ['unlock', worker.address, 1n],
      ['slash', worker.address, 1n, ZeroAddress, bytes32('reason')],
    ] as const) {
      await assert.rejects(call(world.staking, worker, method, ...args), /StakingNotLocker/);
    }
    await assert.rejects(
      call(world.staking, worker, 'setLocker', worker.address, true),
      /OwnableUnauthorizedAccount/,
    );
  });

  it('lists genesis validators in order, and admits others only by governance', async () => {
    const validators = await world.staking.validators!();
    assert.deepEqual(
      validators.map((entry: { account: string; stake: bigint }) => [entry.account, entry.stake]),
      world.validators.map(({ address }, index) => [address, VALIDATOR_STAKES[index]]),
    );
    const keys = [new Uint8Array(48).fill(9), new Uint8Array(96)];
    await assert.rejects(call(world.staking, worker, 'registerValidator', ...keys), /StakingAdmissionClosed/);
    await assert.rejects(
      call(world.staking, worker, 'registerValidatorFor', worker.address, ...keys),
      /OwnableUnauthorizedAccount/,
    );
  });

  it('registers, updates and removes nodes', async () => {
    const register = (account: Account, roles: number, peerId = '0x00', readerKey = READER_KEY) =>
      call(world.registry, account, 'register', roles, peerId, readerKey, READER_KEY, 1);
    await assert.rejects(register(worker, 1), /RegistryAlreadyRegistered/);
    await assert.rejects(register(world.outsider, 4), /RegistryBadRoles/);
    await assert.rejects(register(world.outsider, 1, '0x'), /RegistryBadPeerId/);
    await assert.rejects(register(world.outsider, 2), /RegistryTooLittleStake/);
    await assert.rejects(register(world.outsider, 1, '0x00', `0x${'00'.repeat(32)}`), /RegistryBadReaderKey/);
    await register(world.outsider, 1);
    assert.equal(await world.registry.isWorker!(world.outsider.address), true);
    await call(world.registry, world.outsider, 'deregister');
    await assert.rejects(call(world.registry, world.outsider, 'deregister'), /RegistryNotRegistered/);
    assert.equal((await world.registry.evaluators!()).length, 6);
  });

  it('takes evaluators without stake off the list, for anyone', async () => {
    const [evaluator] = world.evaluators as [Account];
    await assert.rejects(
      call(world.registry, world.outsider, 'evict', evaluator.address),
      /RegistryStakeSuffices/,
    );
    await call(world.staking, evaluator, 'requestUnbond', NODE_STAKE);
    await call(world.registry, world.outsider, 'evict', evaluator.address);
    assert.equal(await world.registry.isEvaluator!(evaluator.address), false);
    assert.equal((await world.registry.evaluators!()).length, 5);
  });

  it('lets only recorders write reputations', async () => {
    await assert.rejects(
      call(world.registry, worker, 'recordWork', worker.address, 5),
      /RegistryNotRecorder/,
    );
  });

  it('remembers the beacon of each recorded block, and finds the first from a height on', async () => {
    const read = async (target: bigint) => (await world.beacons.beaconAtOrAfter!(target)).recordedHeight;
    await call(world.beacons, worker, 'record');
    const first = await height(world);
    const block = await world.provider.request({ method: 'eth_getBlockByNumber', params: ['latest', false] });
    assert.equal(await world.beacons.beaconAt!(first), (block as { mixHash: string }).mixHash);
    await mine(world, 3);
    await call(world.beacons, worker, 'record');
    await mine(world, 1);
    assert.equal(await read(first), first);
    assert.equal(await read(first + 1n), first + 4n);
    await assert.rejects(world.beacons.beaconAt!(first + 1n), /BeaconUnknown/);
    await assert.rejects(read(first + 5n), /BeaconUnknown/);
  });
});

describe('a permissioned registry', () => {
  it('takes only accounts that are allowed', async () => {
    await assert.rejects(createWorld({ allowedNodes: [] }), /RegistryNotAllowed/);
  });
});
