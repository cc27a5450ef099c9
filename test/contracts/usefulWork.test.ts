import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Hex } from '../../core/index.ts';
import {
  bytes32,
  commitTraces,
  fixRounds,
  jobPost,
  REWARD,
  roundClaim,
  signRound,
  startTraining,
  stateBefore,
  submitResult,
  traceClaim,
} from '../support/contracts/jobSteps.ts';
import {
  drawOf,
  expectedDraw,
  FATE,
  onBlock,
  openingOf,
  passWorkHeight,
  proposersPart,
  shareOf,
  systemAccount,
  type TraceRow,
  toWorkHeight,
} from '../support/contracts/workSteps.ts';
import {
  type Account,
  call,
  createWorld,
  DRAW_DELAY,
  goTo,
  mine,
  passDeadline,
  type World,
} from '../support/contracts/world.ts';

const INTERVAL = 10n;
const RANKS = 2;
const FEE = (REWARD * 400n) / 10_000n;
const AUDITS = REWARD / 100n;
const POOL = REWARD - 2n * FEE - 2n * AUDITS;
const deadlines = { ...jobPost().deadlines, roundBlocks: 100, resultBlocks: 100 };
const unit = (part: bigint, k: bigint) => (part * (k + 1n)) / 12n - (part * k) / 12n;
const half = (amount: bigint) => amount / 2n;

describe('useful work', () => {
  let world: World;
  let system: Account;
  let jobId: bigint;
  let slots: Account[];
  let snapshot: unknown;

  before(async () => {
    world = await createWorld({ work: { interval: Number(INTERVAL), ranks: RANKS }, court: null });
    system = await systemAccount(world);
    ({ jobId, slots } = await startTraining(world, { provable: true, deadlines }));
  });
  beforeEach(async () => {
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  const commit = (worker: Account, round: number, claim = traceClaim(round, 0), of = jobId) =>
    call(world.jobs, worker, 'commitTrace', of, round, claim);
  const balanceOf = (address: Hex) => world.ethers.provider.getBalance(address);
  const traceAt = (id: number): Promise<TraceRow> => world.work.traceOf!(id);
  /** Fixes a round without its traces. */
  const fixRound = async (round: number) => {
    const claim = roundClaim(round, 0b111n);
    const signatures = await signRound(world, jobId, round, claim, slots);
    await call(world.jobs, slots[0]!, 'commitRound', jobId, round, claim, signatures);
  };

  describe('commitTrace', () => {
    it('records the trace with its fee as weight and pays its unit', async () => {
      const claim = traceClaim(0, 1);
      const receipt = await commit(slots[1]!, 0, claim);
      const trace = await traceAt(0);
      assert.deepEqual(
        [trace.worker, trace.jobId, trace.round, trace.slot, trace.fate, trace.segments, trace.root],
        [slots[1]!.address, jobId, 0n, 1n, FATE.Committed, 3n, claim.traceRoot],
      );
      const weight = unit(FEE, 1n);
      assert.deepEqual([trace.height, trace.weight], [BigInt(receipt.blockNumber), weight]);
      assert.deepEqual([trace.upTo, trace.poolUpTo], [weight, proposersPart(weight)]);
      assert.deepEqual(
        [trace.shareBps, await world.work.openShares!(), await world.work.openPools!()],
        [4_500n, shareOf(weight), proposersPart(weight)],
      );
      assert.deepEqual((await world.work.traceIdOf!(jobId, 0, 1)).toArray(), [true, 0n]);
      assert.deepEqual((await world.jobs.traceOf!(jobId, 0, 0)).toArray(), [false, 0n, false]);
      assert.equal(await world.jobs.earnedOf!(jobId, 1), unit(POOL, 1n));
      const { accrued } = await world.jobs.job!(jobId);
      assert.deepEqual([accrued.traces, accrued.lost, accrued.burned], [1n, 0n, weight]);
      assert.equal(accrued.clearAt, BigInt(receipt.blockNumber + DRAW_DELAY) + 2n * INTERVAL);
      assert.equal(await world.jobs.openEscrow!(), REWARD - weight);
      assert.equal(await balanceOf(world.addresses.jobManager), REWARD - weight);
      assert.equal(await balanceOf(world.addresses.usefulWork!), half(weight));
      assert.equal(await world.work.totalBurned!(), weight - half(weight));
    });

    it('adds up the weights in chain order', async () => {
      await commitTraces(world, jobId, slots, 0);
      await fixRound(0);
      await commitTraces(world, jobId, slots, 1);
      let sum = 0n;
      for (let id = 0; id < 6; id++) {
        const trace = await traceAt(id);
        sum += trace.weight;
        assert.deepEqual([trace.weight, trace.upTo], [unit(FEE, BigInt(id)), sum]);
      }
      assert.equal(await world.work.traceCount!(), 6n);
    });

    it('refuses a path that does not lead to the root, or is of another tree', async () => {
      const good = traceClaim(0, 0);
      const wrong = bytes32('wrong');
      for (const claim of [
        { ...good, startRoot: wrong },
        { ...good, endRoot: wrong },
        { ...good, startPath: [wrong, good.startPath[1]!] },
        { ...good, endPath: [] },
        { ...good, startPath: [...good.startPath, wrong] },
        traceClaim(0, 0, 4),
        traceClaim(0, 0, 2),
      ]) {
        await assert.rejects(commit(slots[0]!, 0, claim), /JobManagerBadTrace/);
      }
    });

    it('refuses a start other than the state fixed before', async () => {
      await fixRound(0);
      await assert.rejects(
        commit(slots[0]!, 1, traceClaim(1, 0, 3, bytes32('wrong'))),
        /JobManagerStateMismatch/,
      );
      await commit(slots[0]!, 1, traceClaim(1, 0, 3, stateBefore(1)));
    });

    it('takes one trace of a slot and round, from its worker', async () => {
      await commit(slots[0]!, 0);
      await assert.rejects(commit(slots[0]!, 0, traceClaim(0, 7)), /JobManagerTraceCommitted/);
      await assert.rejects(commit(world.outsider, 0), /JobManagerNotWorker/);
      await assert.rejects(commit(slots[0]!, 0, traceClaim(0, 0), 99n), /JobManagerUnknownJob/);
    });

    it('takes the round under way and the one fixed last, in time', async () => {
      await assert.rejects(commit(slots[0]!, 1), /JobManagerWrongRound/);
      await fixRound(0);
      await commit(slots[0]!, 0);
      await commit(slots[0]!, 1);
      await fixRound(1);
      await assert.rejects(commit(slots[1]!, 0), /JobManagerWrongRound/);
      await assert.rejects(commit(slots[1]!, 4), /JobManagerWrongRound/);
      await passDeadline(world, jobId);
      await assert.rejects(commit(slots[1]!, 2), /JobManagerDeadlinePassed/);
    });

    it('takes the last round while the job is evaluated', async () => {
      await fixRounds(world, jobId, slots, 4, { contributors: 0b011n });
      await submitResult(world, jobId, slots[0]!);
      await assert.rejects(commit(slots[2]!, 2), /JobManagerWrongRound/);
      await commit(slots[2]!, 3, traceClaim(3, 2));
      assert.equal((await world.jobs.job!(jobId)).accrued.traces, 9n);
    });

    it('burns the fee of what cannot be proven, and gives it no weight', async () => {
      const { jobId: other, slots: others } = await startTraining(world, { segments: 1, deadlines });
      const burned: bigint = await world.jobs.totalBurned!();
      await commit(others[0]!, 0, traceClaim(0, 0, 1), other);
      assert.deepEqual([(await traceAt(0)).weight, await world.work.openPools!()], [0n, 0n]);
      assert.equal(await world.jobs.totalBurned!(), burned + unit(FEE, 0n));
    });

    it('follows the longest path', async () => {
      const post = { segments: 4_096, provable: true, deadlines };
      const { jobId: other, slots: others } = await startTraining(world, post);
      await commit(others[0]!, 0, traceClaim(0, 0, 4_096), other);
      await assert.rejects(commit(others[1]!, 0, traceClaim(0, 0, 4_095), other), /JobManagerBadTrace/);
    });
  });

  describe('onBlock', () => {
    beforeEach(async () => {
      await commitTraces(world, jobId, slots, 0);
      await fixRound(0);
      await commitTraces(world, jobId, slots, 1);
    });
    const total = () => [0n, 1n, 2n, 3n, 4n, 5n].reduce((sum, k) => sum + unit(FEE, k), 0n);
    const pool = () => [0n, 1n, 2n, 3n, 4n, 5n].reduce((sum, k) => sum + proposersPart(unit(FEE, k)), 0n);
    /** All six traces are old enough at the height. */
    const drawAll = async () => {
      await mine(world, DRAW_DELAY + 1);
      return passWorkHeight(world, system, INTERVAL);
    };
    it('is the chain’s alone, as is voiding UsefulWork’s', async () => {
      await assert.rejects(onBlock(world, world.outsider), /UsefulWorkNotSystem/);
      const opening = [10n, 0, jobId, slots[0]!.address, bytes32('root'), 0, 1n, slots[0]!.address];
      await assert.rejects(onBlock(world, world.outsider, ...opening), /UsefulWorkNotSystem/);
      const record = [jobId, 0, 0, slots[0]!.address, 3, bytes32('root')];
      await assert.rejects(call(world.work, slots[0]!, 'record', ...record), /UsefulWorkNotJobManager/);
      for (const [method, ...args] of [['voidTrace'], ['faultTrace', world.outsider.address]] as const) {
        await assert.rejects(
          call(world.jobs, system, method, jobId, 0, 0, ...args),
          /JobManagerNotUsefulWork/,
        );
      }
    });

    it('draws as the client’s code does, and as foretold', async () => {
      await mine(world, DRAW_DELAY + 1);
      const at = await toWorkHeight(world, INTERVAL);
      const foretold = await world.work.upcomingDraw!();
      await onBlock(world, system);
      const draw = await drawOf(world, at);
      const expected = await expectedDraw(world, at, { first: 0, end: 6, ranks: RANKS });
      assert.deepEqual(
        draw.ranks.map(({ traceId, segment }) => ({ index: Number(traceId), segment: Number(segment) })),
        expected,
      );
      assert.deepEqual(
        foretold.ranks.map((rank: { traceId: bigint; segment: bigint }) => [rank.traceId, rank.segment]),
        draw.ranks.map(({ traceId, segment }) => [traceId, segment]),
      );
      assert.deepEqual([draw.totalWeight, draw.pool, draw.settled], [total(), pool(), false]);
      assert.deepEqual([foretold.height, foretold.totalWeight, foretold.pool], [at, total(), pool()]);
      for (const { trace } of draw.ranks) assert.equal(trace.fate, FATE.Drawn);
      assert.equal(await world.work.openHeight!(), at);
    });

    it('covers a trace once, and only after the delay', async () => {
      const at = await drawAll();
      await fixRound(1);
      await goTo(world, at + INTERVAL - BigInt(DRAW_DELAY));
      await commit(slots[0]!, 2);
      const next = await passWorkHeight(world, system, INTERVAL);
      assert.equal(next, at + INTERVAL);
      assert.equal((await drawOf(world, next)).ranks.length, 0);
      const third = await passWorkHeight(world, system, INTERVAL);
      const draw = await drawOf(world, third);
      assert.deepEqual([draw.ranks.length, draw.totalWeight], [1, unit(FEE, 6n)]);
      assert.deepEqual(await expectedDraw(world, third, { first: 6, end: 7, ranks: RANKS }), [
        { index: 6, segment: Number(draw.ranks[0]!.segment) },
      ]);
    });

    it('takes an opening that equals the record, once', async () => {
      const at = await drawAll();
      const draw = await drawOf(world, at);
      const good = openingOf(draw, 0, slots[2]!.address);
      const altered: [number, unknown][] = [
        [2, jobId + 1n],
        [3, world.outsider.address],
        [4, bytes32('another root')],
        [5, draw.ranks[0]!.segment + 1n],
        [6, draw.totalWeight - 1n],
        [7, `0x${'00'.repeat(20)}`],
      ];
      for (const [place, value] of altered) {
        const opening = good.with(place, value);
        await assert.rejects(onBlock(world, system, ...opening), /UsefulWorkWrongOpening/);
      }
      await assert.rejects(onBlock(world, system, ...good.with(1, RANKS)), /UsefulWorkUnknownRank/);
      await assert.rejects(onBlock(world, system, ...good.with(0, at + 1n)), /UsefulWorkNotOpenable/);
      await assert.rejects(onBlock(world, system, ...good.with(0, 0n)), /UsefulWorkNotOpenable/);
      await onBlock(world, system, ...good);
      await assert.rejects(onBlock(world, system, ...good), /UsefulWorkAlreadyOpened/);
      const [best] = (await drawOf(world, at)).ranks;
      assert.deepEqual([best!.opener, best!.trace.fate], [slots[2]!.address, FATE.Opened]);
    });
  });

  it('a job settles only when none of its traces can be lost any more', async () => {
    const short = { ...deadlines, roundBlocks: 5 };
    const { jobId: other, slots: others } = await startTraining(world, { deadlines: short });
    await commit(others[0]!, 0, traceClaim(0, 0), other);
    await passDeadline(world, other);
    await assert.rejects(call(world.jobs, world.outsider, 'expireJob', other), /JobManagerTooEarly/);
    const { accrued } = await world.jobs.job!(other);
    await goTo(world, accrued.clearAt);
    await assert.rejects(call(world.jobs, world.outsider, 'expireJob', other), /JobManagerTooEarly/);
    await goTo(world, accrued.clearAt + 1n);
    await call(world.jobs, world.outsider, 'expireJob', other);
  });
});

describe('a chain without useful work', () => {
  it('burns work fees whole', async () => {
    const world = await createWorld({ work: null });
    assert.equal(world.addresses.usefulWork, null);
    const { jobId, slots } = await startTraining(world, { provable: true });
    await call(world.jobs, slots[0]!, 'commitTrace', jobId, 0, traceClaim(0, 0));
    assert.equal(await world.jobs.totalBurned!(), unit(FEE, 0n));
    assert.deepEqual((await world.jobs.traceOf!(jobId, 0, 0)).toArray(), [true, 0n, false]);
    await passDeadline(world, jobId);
    await call(world.jobs, world.outsider, 'expireJob', jobId);
    assert.equal((await world.jobs.job!(jobId)).payouts.workers, unit(POOL, 0n));
  });
});
