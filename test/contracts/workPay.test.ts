import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Hex } from '../../core/index.ts';
import {
  commitTraces,
  dueOf,
  EXIT,
  fixRounds,
  jobPost,
  REWARD,
  startTraining,
} from '../support/contracts/jobSteps.ts';
import {
  drawOf,
  FATE,
  onBlock,
  openingOf,
  passWorkHeight,
  proposersPart,
  shareOf,
  systemAccount,
} from '../support/contracts/workSteps.ts';
import {
  type Account,
  call,
  createWorld,
  DRAW_DELAY,
  goTo,
  mine,
  NODE_STAKE,
  passDeadline,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

const INTERVAL = 10n;
const RANKS = 2;
const FEE = (REWARD * 400n) / 10_000n;
const POOL = REWARD - 2n * FEE - 2n * (REWARD / 100n);
const deadlines = { ...jobPost().deadlines, roundBlocks: 100, resultBlocks: 100 };
const unit = (part: bigint, k: bigint) => (part * (k + 1n)) / 12n - (part * k) / 12n;
const TRACES = [0n, 1n, 2n, 3n, 4n, 5n];
const sumOf = (of: (fee: bigint) => bigint) => TRACES.reduce((sum, k) => sum + of(unit(FEE, k)), 0n);
const total = () => sumOf((fee) => fee);
const pool = () => sumOf(proposersPart);

/** Two rounds of three slots, committed. */
describe('the pay of useful work', () => {
  let world: World;
  let system: Account;
  let jobId: bigint;
  let slots: Account[];
  let snapshot: unknown;

  before(async () => {
    world = await createWorld({ work: { interval: Number(INTERVAL), ranks: RANKS }, court: null });
    system = await systemAccount(world);
    ({ jobId, slots } = await startTraining(world, { provable: true, deadlines }));
    await fixRounds(world, jobId, slots, 1);
    await commitTraces(world, jobId, slots, 1);
  });
  beforeEach(async () => {
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await conserved();
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  const balanceOf = (address: Hex) => world.ethers.provider.getBalance(address);
  const stakeLost = async ({ address }: Account) => NODE_STAKE - (await world.staking.stakeOf!(address));
  /** All six traces are old enough at the height. */
  const drawAll = async () => {
    await mine(world, DRAW_DELAY + 1);
    return passWorkHeight(world, system, INTERVAL);
  };
  const conserved = async () => {
    let due: bigint = (await world.work.openPools!()) + (await world.work.openShares!());
    for (const account of [...slots, world.outsider, world.client]) due += await owed(account);
    assert.equal(await balanceOf(world.addresses.usefulWork!), due);
  };
  /** The block that a rank's pay hangs on, with or without an opening. */
  const blockOf = async (at: bigint, rank: number, opening: unknown[] = []) => {
    await goTo(world, at + (BigInt(rank + 1) * INTERVAL) / BigInt(RANKS) - 1n);
    await onBlock(world, system, ...opening);
  };
  const propose = (by: Account) =>
    world.provider.request({ method: 'hardhat_setCoinbase', params: [by.address] });
  const owed = (to: Account): Promise<bigint> => world.work.withdrawable!(to.address);

  it('pays the proposer of the block that a rank’s pay hangs on, whoever opened it before', async () => {
    const at = await drawAll();
    const draw = await drawOf(world, at);
    await propose(world.client);
    await onBlock(world, system, ...openingOf(draw, 1, world.outsider.address));
    await onBlock(world, system, ...openingOf(draw, 0, world.outsider.address));
    await propose(world.outsider);
    await blockOf(at, 0);
    await propose(slots[0]!);
    await blockOf(at, 1);
    await conserved();
    await passWorkHeight(world, system, INTERVAL);
    const part = pool() / 2n;
    assert.deepEqual(await Promise.all([world.client, world.outsider, slots[0]!, slots[1]!].map(owed)), [
      0n,
      part,
      part,
      0n,
    ]);
    assert.equal((await drawOf(world, at)).settled, true);
    await conserved();
    const kept = pool() + (await world.work.openShares!());
    assert.equal(await world.work.totalBurned!(), total() - kept + (pool() - 2n * part));
    const late = openingOf(draw, 0, slots[0]!.address);
    await assert.rejects(onBlock(world, system, ...late), /UsefulWorkNotOpenable/);
    await call(world.work, world.outsider, 'withdraw');
    await assert.rejects(call(world.work, world.outsider, 'withdraw'), /UsefulWorkNothingToWithdraw/);
    assert.equal((await world.jobs.job!(jobId)).accrued.lost, 0n);
    await conserved();
  });

  it('pays the block’s own opening, and burns the pay of a rank that was opened later', async () => {
    const at = await drawAll();
    const draw = await drawOf(world, at);
    await propose(world.client);
    await blockOf(at, 0);
    await onBlock(world, system, ...openingOf(draw, 0, world.outsider.address));
    await blockOf(at, 1, openingOf(draw, 1, world.outsider.address));
    const burned: bigint = await world.work.totalBurned!();
    await passWorkHeight(world, system, INTERVAL);
    assert.equal(await owed(world.client), pool() / 2n);
    assert.equal((await world.work.totalBurned!()) - burned, pool() - pool() / 2n);
    assert.equal((await world.jobs.job!(jobId)).accrued.lost, 0n);
    await conserved();
  });

  it('gives each worker the share of its own traces when the job is settled, whatever was drawn', async () => {
    const at = await drawAll();
    const draw = await drawOf(world, at);
    for (const rank of draw.ranks.keys()) {
      await onBlock(world, system, ...openingOf(draw, rank, world.outsider.address));
    }
    await passWorkHeight(world, system, INTERVAL);
    await assert.rejects(call(world.work, system, 'release', jobId, []), /UsefulWorkNotJobManager/);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    for (const [slot, worker] of slots.entries()) {
      const traces = [BigInt(slot), BigInt(slot + 3)];
      assert.equal(
        await owed(worker),
        traces.reduce((sum, k) => sum + shareOf(unit(FEE, k)), 0n),
      );
    }
    assert.equal(await world.work.openShares!(), 0n);
    await conserved();
  });

  it('voids what was not opened: the pay goes back, the pool is burned, the stake is cut at the end', async () => {
    const at = await drawAll();
    await passWorkHeight(world, system, INTERVAL);
    const { ranks } = await drawOf(world, at);
    await conserved();
    const shares: bigint = await world.work.openShares!();
    assert.equal(await balanceOf(world.addresses.usefulWork!), shares);
    assert.equal(await world.work.totalBurned!(), total() - shares);
    let lost = 0n;
    let left = sumOf(shareOf);
    for (const { trace } of ranks) {
      assert.equal(trace.fate, FATE.Void);
      lost += unit(POOL, trace.round * 3n + trace.slot);
      left -= shareOf(trace.weight);
      assert.equal((await world.jobs.traceOf!(jobId, trace.round, trace.slot)).lost, true);
    }
    assert.equal(shares, left);
    const { accrued } = await world.jobs.job!(jobId);
    assert.deepEqual([accrued.lost, accrued.traces], [2n, 6n]);
    assert.equal(accrued.workers, dueOf(POOL, 2n) - lost);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    const { payouts, exit } = await world.jobs.job!(jobId);
    assert.deepEqual(
      [exit, payouts.workers, payouts.burned],
      [BigInt(EXIT.WorkersAbsent), dueOf(POOL, 2n) - lost, total()],
    );
    assert.equal(await balanceOf(world.addresses.jobManager), REWARD - total());
    for (const [slot, worker] of slots.entries()) {
      const voids = ranks.filter(({ trace }) => trace.slot === BigInt(slot)).length;
      assert.equal(await stakeLost(worker), (WORKER_STAKE / 100n) * BigInt(voids));
      assert.equal(await world.staking.lockedOf!(worker.address), 0n);
      assert.equal((await world.registry.reputationOf!(worker.address)).rounds, BigInt(2 - voids));
    }
  });
});
