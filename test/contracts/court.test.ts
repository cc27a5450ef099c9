import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultCourtParameters } from '../../contracts/deploy.ts';
import {
  AUDIT,
  answer,
  auditOf,
  type Bench,
  BOND,
  CASE,
  courtBlock,
  deadlines,
  digestOf,
  drawAuditors,
  guess,
  INTERVAL,
  useBench,
} from '../support/contracts/courtSteps.ts';
import { bytes32, commitTraces, post, startTraining } from '../support/contracts/jobSteps.ts';
import {
  drawOf,
  FATE,
  onBlock,
  openingOf,
  passWorkHeight,
  shareOf,
  type TraceRow,
} from '../support/contracts/workSteps.ts';
import {
  type Account,
  call,
  DRAW_DELAY,
  goTo,
  mine,
  passDeadline,
  TRAIN,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

describe('the court', () => {
  let bench: Bench;
  let world: World;

  useBench((made) => {
    bench = made;
    ({ world } = made);
  });

  describe('a challenge', () => {
    it('that is right brings the bond back and the reporter’s share', async () => {
      await bench.challenge(0n, 1);
      await bench.judge(1n, true);
      assert.equal(await bench.owedTo(world.outsider), BOND);
      assert.equal((await world.court.caseOf!(1n)).digest, digestOf(1n));
      await passDeadline(world, bench.jobId);
      await call(world.jobs, world.outsider, 'expireJob', bench.jobId);
      assert.equal(await bench.stakeLost(bench.slots[0]!), WORKER_STAKE);
      assert.equal((await world.staking.unbondingOf!(world.outsider.address)).matured, WORKER_STAKE / 20n);
    });

    it('that is wrong costs the bond: half for the worker, half burned', async () => {
      await bench.challenge(0n, 1);
      assert.equal(await world.court.bonds!(), BOND);
      await bench.judge(1n, false);
      assert.deepEqual(
        [await bench.owedTo(world.outsider), await bench.owedTo(bench.slots[0]!)],
        [0n, BOND / 2n],
      );
      assert.deepEqual([await world.court.totalBurned!(), await world.court.bonds!()], [BOND / 2n, 0n]);
      assert.equal((await world.work.traceOf!(0n)).fate, FATE.Committed);
    });

    it('is refused without its bond, of an unknown segment, twice at a time, and when the court is busy', async () => {
      await assert.rejects(bench.challenge(0n, 0, BOND - 1n), /CourtWrongBond/);
      await assert.rejects(bench.challenge(0n, 3), /CourtUnknownSegment/);
      await assert.rejects(bench.challenge(77n, 0), /CourtUnknownTrace/);
      await bench.challenge(0n, 0);
      await assert.rejects(bench.challenge(0n, 0), /CourtCaseOpen/);
      await bench.challenge(1n, 0);
      await assert.rejects(bench.challenge(2n, 0), /CourtBusy/);
      await bench.judge(2n, true);
      await assert.rejects(bench.challenge(1n, 0), /CourtTraceFaulty/);
      await bench.challenge(2n, 0);
      await goTo(world, (await auditOf(world, 0n)).challengeUntil + 1n);
      await assert.rejects(bench.challenge(0n, 0), /CourtDeadlinePassed/);
    });

    it('keeps others off its own segment alone', async () => {
      await bench.challenge(0n, 0);
      await bench.challenge(0n, 1);
      await bench.judge(2n, true);
      assert.equal((await world.work.traceOf!(0n)).fate, FATE.Faulty);
      await bench.judge(1n, false);
      assert.equal((await world.work.traceOf!(0n)).fate, FATE.Faulty);
      assert.equal(await bench.owedTo(world.outsider), BOND);
      assert.equal(await world.court.bonds!(), 0n);
    });

    it('a verdict must be of the case, and in time', async () => {
      await bench.challenge(0n, 1);
      const { root } = await world.work.traceOf!(0n);
      const right = [1n, true, guess, root, 1] as unknown[];
      for (const [place, value] of [
        [2, `0x${'00'.repeat(32)}`],
        [3, bytes32('another root')],
        [4, 2],
      ] as const) {
        await assert.rejects(
          courtBlock(world, bench.system, ...right.with(place, value)),
          /CourtWrongVerdict/,
        );
      }
      await assert.rejects(courtBlock(world, bench.system, ...right.with(0, 2n)), /CourtNotOpen/);
      await goTo(world, (await world.court.caseOf!(1n)).deadline + 1n);
      await assert.rejects(courtBlock(world, bench.system, ...right), /CourtNotOpen/);
      await courtBlock(world, bench.system);
      assert.equal((await world.court.caseOf!(1n)).state, CASE.Upheld);
      assert.equal(await bench.owedTo(world.outsider), BOND);
    });
  });

  describe('that is busy', () => {
    const fill = async () => {
      await bench.challenge(0n, 0);
      await bench.challenge(1n, 0);
    };
    const stateOf = async (caseId: bigint) => (await world.court.caseOf!(caseId)).state;
    /** An auditor of trace 2, that it is wrong. */
    const accuse = async () => {
      const [auditor] = (await drawAuditors(world, 2n)) as [Account, Account];
      const [segment] = (await auditOf(world, 2n)).segments as [bigint];
      await fill();
      await call(world.court, auditor, 'challenge', 2n, segment, { value: BOND });
      return { auditor, segment };
    };

    it('lets a drawn auditor wait for its turn, and the job for the verdict', async () => {
      const { auditor, segment } = await accuse();
      const waiting = await world.court.caseOf!(3n);
      assert.deepEqual([waiting.state, waiting.deadline, waiting.waited], [CASE.Waiting, 0n, true]);
      assert.deepEqual(
        [await world.court.waitingCases!(bench.jobId), await world.court.bonds!()],
        [1n, 3n * BOND],
      );
      const again = call(world.court, auditor, 'challenge', 2n, segment, { value: BOND });
      await assert.rejects(again, /CourtCaseOpen/);
      const other = (segment + 1n) % 3n;
      const { segments } = await auditOf(world, 2n);
      if (!segments.includes(other)) {
        await assert.rejects(
          call(world.court, auditor, 'challenge', 2n, other, { value: BOND }),
          /CourtBusy/,
        );
      }
      await assert.rejects(bench.challenge(2n, Number(other)), /CourtBusy/);
      await assert.rejects(bench.judge(3n, true), /CourtNotOpen/);
      await bench.judge(1n, false);
      assert.equal(await stateOf(3n), CASE.Open);
      assert.equal(await world.court.waitingCases!(bench.jobId), 1n);
      await bench.judge(3n, true);
      assert.equal(await world.court.waitingCases!(bench.jobId), 0n);
      await passDeadline(world, bench.jobId);
      await call(world.jobs, world.outsider, 'expireJob', bench.jobId);
      assert.equal(await bench.stakeLost(bench.slots[2]!), WORKER_STAKE);
      assert.equal(await bench.owedTo(auditor), BOND);
    });

    it('does not settle a job before the court has heard who waits', async () => {
      await accuse();
      await passDeadline(world, bench.jobId);
      await goTo(world, (await world.jobs.job!(bench.jobId)).accrued.clearAt + 1n);
      await assert.rejects(call(world.court, world.outsider, 'close', bench.jobId), /CourtNotJobManager/);
      await assert.rejects(call(world.jobs, world.outsider, 'expireJob', bench.jobId), /JobManagerInCourt/);
      await courtBlock(world, bench.system);
      assert.deepEqual([await stateOf(1n), await stateOf(3n)], [CASE.Upheld, CASE.Open]);
      await bench.judge(3n, true);
      await call(world.jobs, world.outsider, 'expireJob', bench.jobId);
      assert.equal(await bench.stakeLost(bench.slots[2]!), WORKER_STAKE);
    });

    it('lets a dispute wait too', async () => {
      const [right, wrong] = (await drawAuditors(world, 2n)) as [Account, Account];
      const digests = await bench.truth(2n);
      await answer(world, 2n, [
        [right, digests],
        [wrong, digests.map(() => guess)],
      ]);
      await fill();
      await bench.settle(2n);
      assert.deepEqual([(await auditOf(world, 2n)).caseId, await stateOf(3n)], [3n, CASE.Waiting]);
      await assert.rejects(bench.settle(2n), /CourtCaseOpen/);
      await bench.judge(1n, false);
      assert.equal(await stateOf(3n), CASE.Open);
      await bench.judge(3n, true);
      await bench.settle(2n);
      assert.equal(await bench.stateOf(2n), AUDIT.Judged);
    });

    it('drops a case whose trace is found faulty before its turn', async () => {
      const [auditor] = (await drawAuditors(world, 2n)) as [Account];
      const [segment] = (await auditOf(world, 2n)).segments as [bigint];
      await bench.challenge(2n, Number((segment + 1n) % 3n));
      await bench.challenge(1n, 0);
      await call(world.court, auditor, 'challenge', 2n, segment, { value: BOND });
      await bench.judge(1n, true);
      assert.equal(await stateOf(3n), CASE.Dropped);
      assert.equal(await bench.owedTo(auditor), BOND);
      assert.equal(await world.court.waitingCases!(bench.jobId), 0n);
    });
  });

  it('a faulty trace that is drawn is neither paid nor void, and stops no block', async () => {
    await bench.challenge(0n, 0);
    await bench.judge(1n, true);
    await mine(world, DRAW_DELAY + 1);
    const at = await passWorkHeight(world, bench.system, INTERVAL);
    const draw = await drawOf(world, at);
    const drawn = draw.ranks.filter(({ trace }) => trace.fate === FATE.Drawn);
    for (const rank of draw.ranks.keys()) {
      await onBlock(world, bench.system, ...openingOf(draw, rank, world.outsider.address));
    }
    assert.equal((await world.work.traceOf!(0n)).fate, FATE.Faulty);
    // One more becomes faulty between its opening and the end of the draw.
    const late = draw.ranks.findIndex(({ trace }) => trace.fate === FATE.Drawn);
    await bench.challenge(draw.ranks[late]!.traceId, 0);
    await bench.judge(2n, true);
    await passWorkHeight(world, bench.system, INTERVAL);
    assert.ok(drawn.length > 0);
    assert.equal((await world.work.traceOf!(draw.ranks[late]!.traceId)).fate, FATE.Faulty);
    // Its share is burned with it.
    const kept = [1n, 2n].filter((id) => id !== draw.ranks[late]!.traceId);
    const { weight } = (await world.work.traceOf!(kept[0]!)) as TraceRow;
    assert.equal(await world.work.openShares!(), shareOf(weight));
    assert.equal((await drawOf(world, at)).settled, true);
    assert.equal((await world.jobs.job!(bench.jobId)).accrued.lost, 2n);
  });

  it('a void trace can still be found faulty', async () => {
    await mine(world, DRAW_DELAY + 1);
    const at = await passWorkHeight(world, bench.system, INTERVAL);
    await passWorkHeight(world, bench.system, INTERVAL);
    const [{ traceId, trace }] = (await drawOf(world, at)).ranks as unknown as [
      { traceId: bigint; trace: { fate: bigint; slot: bigint } },
    ];
    assert.equal(trace.fate, FATE.Void);
    await bench.challenge(traceId, 0);
    await bench.judge(1n, true);
    const { accrued } = await world.jobs.job!(bench.jobId);
    assert.equal(accrued.lost, 2n);
    await passDeadline(world, bench.jobId);
    await call(world.jobs, world.outsider, 'expireJob', bench.jobId);
    assert.equal(await bench.stakeLost(bench.slots[Number(trace.slot)]!), WORKER_STAKE);
  });

  it('a job settles only when none of its traces can be found faulty any more', async () => {
    const short = { ...deadlines, roundBlocks: 5 };
    const other = await startTraining(world, { provable: true, deadlines: short });
    await commitTraces(world, other.jobId, other.slots, 0, { bitmap: 1n });
    const { clearAt } = (await world.jobs.job!(other.jobId)).accrued;
    await goTo(world, clearAt);
    await assert.rejects(call(world.jobs, world.outsider, 'expireJob', other.jobId), /JobManagerTooEarly/);
    await goTo(world, clearAt + 1n);
    await call(world.jobs, world.outsider, 'expireJob', other.jobId);
  });

  it('asks for a lock that outweighs the pay', async () => {
    // q = rate * (1 - 1/16); the rate is 1 here, so that no beacon selects.
    const lock: bigint = await world.court.lockFor!(15n * TRAIN, false);
    assert.ok(lock >= TRAIN && lock - TRAIN < 1_000n);
    const reward = 4_000n * TRAIN;
    const pay = (reward * 9_000n) / 10_000n / 3n;
    const least: bigint = await world.court.lockFor!(pay, false);
    await assert.rejects(
      post(world, { provable: true, workerStake: least - 1n }, reward),
      /JobManagerBadPost/,
    );
    await post(world, { provable: true, workerStake: least }, reward);
    await post(world, { provable: false }, reward);
  });

  it('refuses parameters that do not hang together, and callers that have no say', async () => {
    const timelock = world.addresses.timelock;
    await world.provider.request({ method: 'hardhat_impersonateAccount', params: [timelock] });
    await world.provider.request({ method: 'hardhat_setBalance', params: [timelock, '0xde0b6b3a7640000'] });
    const owner = { signer: await world.ethers.getSigner(timelock), address: timelock };
    for (const broken of [
      ...[{ rateBps: 0 }, { rateBps: 10_001 }, { assumedBadBps: 5_001 }, { absentSlashBps: 10_001 }],
      ...[{ wrongSlashBps: 10_001 }, { auditors: 1 }, { auditors: 9 }, { segmentsPerAudit: 0 }],
      ...[{ segmentsPerAudit: 17 }, { maxOpen: 0 }, { maxOpen: 65 }, { courtBlocks: 47 }],
      ...[{ commitBlocks: 1 }, { revealBlocks: 0 }, { commitBlocks: 5_000_000 }, { auditLock: 0n }],
    ]) {
      const terms = { ...defaultCourtParameters, ...broken };
      await assert.rejects(call(world.court, owner, 'setParameters', terms), /CourtBadParameters/);
    }
    await call(world.court, owner, 'setParameters', defaultCourtParameters);
    assert.equal((await world.court.parameters!()).rateBps, 2_000n);
    await assert.rejects(
      call(world.court, world.deployer, 'setParameters', defaultCourtParameters),
      /OwnableUnauthorizedAccount/,
    );
    await assert.rejects(courtBlock(world, world.outsider), /CourtNotSystem/);
    await assert.rejects(courtBlock(world, world.outsider, 1n, true, guess, guess, 0), /CourtNotSystem/);
    await assert.rejects(call(world.court, world.outsider, 'record', 9n, false, 0n), /CourtNotJobManager/);
    await assert.rejects(
      call(world.work, world.outsider, 'faultTrace', 0n, world.outsider.address),
      /UsefulWorkNotCourt/,
    );
  });
});
