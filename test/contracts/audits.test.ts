import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex } from '../../core/index.ts';
import { auditSegments, isAudited } from '../../pouw/index.ts';
import {
  AUDIT,
  answer,
  auditOf,
  type Bench,
  CASE,
  courtBlock,
  deadlines,
  drawAuditors,
  guess,
  INTERVAL,
  LOCK,
  passSelection,
  useBench,
} from '../support/contracts/courtSteps.ts';
import { bytes32, commitTraces, dueOf, post, REWARD, startTraining } from '../support/contracts/jobSteps.ts';
import { FATE } from '../support/contracts/workSteps.ts';
import {
  type Account,
  COURT_TERMS,
  call,
  DRAW_DELAY,
  goTo,
  passDeadline,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

const AUDITS = REWARD / 100n;
const unit = (part: bigint, k: bigint) => (part * (k + 1n)) / 12n - (part * k) / 12n;

describe('audits', () => {
  let bench: Bench;
  let world: World;

  useBench((made) => {
    bench = made;
    ({ world } = made);
  });

  it('takes the auditors’ part with each trace', async () => {
    const { accrued } = await world.jobs.job!(bench.jobId);
    const audit = await auditOf(world, 2n);
    const { height: at } = await world.work.traceOf!(2n);
    assert.deepEqual([audit.state, audit.value], [AUDIT.None, unit(AUDITS, 2n)]);
    assert.equal(accrued.auditors, dueOf(AUDITS, 1n));
    assert.equal(await world.court.pool!(), dueOf(AUDITS, 1n));
    assert.equal(audit.drawFrom, at + BigInt(DRAW_DELAY));
    assert.equal(audit.commitUntil, audit.drawFrom + BigInt(COURT_TERMS.commitBlocks));
    assert.equal(audit.challengeUntil, audit.revealUntil + 2n * INTERVAL);
    assert.equal(accrued.clearAt, audit.challengeUntil + BigInt(COURT_TERMS.courtBlocks) + 3n);
    const others = accrued.burned + accrued.auditors;
    assert.equal(await bench.balanceOf(world.addresses.jobManager), REWARD - others);
    assert.equal(await world.jobs.openEscrow!(), REWARD - others);
  });

  it('selects as the client’s code does', async () => {
    await assert.rejects(world.court.selectionOf!(0n), /BeaconUnknown|revert/);
    await assert.rejects(
      call(world.court, world.outsider, 'drawAuditors', 0n),
      /CourtTooEarly|BeaconUnknown/,
    );
    await passSelection(world, 2n);
    const { drawFrom } = await auditOf(world, 2n);
    const { chainId } = await world.ethers.provider.getNetwork();
    const { rateBps, segmentsPerAudit } = COURT_TERMS;
    const terms = { chainId, segments: 3, fullAudit: false, rateBps, segmentsPerAudit };
    const draw = { ...terms, traceId: 2n, beacon: fromHex(await world.beacons.beaconAt!(drawFrom), 32) };
    const { selected, segments } = await world.court.selectionOf!(2n);
    assert.deepEqual([selected, segments.map(Number)], [isAudited(draw), auditSegments(draw)]);
  });

  it('draws evaluators that have no part in the job, and locks their stake', async () => {
    const auditors = await drawAuditors(world, 2n);
    assert.equal(new Set(auditors.map(({ address }) => address)).size, 2);
    for (const auditor of auditors) assert.equal(await bench.lockedOf(auditor), LOCK);
    assert.equal(await world.court.held!(), unit(AUDITS, 2n));
    await assert.rejects(call(world.court, world.outsider, 'drawAuditors', 2n), /CourtWrongState/);
    await assert.rejects(call(world.court, world.outsider, 'drawAuditors', 99n), /CourtUnknownTrace/);
    await goTo(world, (await auditOf(world, 1n)).drawUntil + 1n);
    await assert.rejects(call(world.court, world.outsider, 'drawAuditors', 1n), /CourtDeadlinePassed/);
  });

  it('pays auditors that agree and frees their stake', async () => {
    const auditors = (await drawAuditors(world, 2n)) as [Account, Account];
    await assert.rejects(bench.settle(2n), /CourtTooEarly/);
    const digests = await bench.truth(2n);
    await assert.rejects(call(world.court, world.outsider, 'commitAudit', 2n, guess), /CourtNotAuditor/);
    await assert.rejects(
      call(world.court, auditors[0], 'revealAudit', 2n, digests, bytes32('salt')),
      /CourtTooEarly/,
    );
    await answer(
      world,
      2n,
      auditors.map((auditor) => [auditor, digests] as const),
    );
    await assert.rejects(
      call(world.court, auditors[0], 'revealAudit', 2n, digests, bytes32('salt')),
      /CourtAlreadyRevealed/,
    );
    await bench.settle(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Accepted);
    for (const auditor of auditors) {
      assert.equal(await bench.owedTo(auditor), unit(AUDITS, 2n) / 2n);
      assert.deepEqual([await bench.lockedOf(auditor), await bench.stakeLost(auditor)], [0n, 0n]);
    }
    await assert.rejects(bench.settle(2n), /CourtWrongState/);
    await call(world.court, auditors[0], 'withdraw');
    await assert.rejects(call(world.court, auditors[0], 'withdraw'), /CourtNothingToWithdraw/);
  });

  it('takes part of a silent auditor’s lock, and pays the other its half alone', async () => {
    const [present, silent] = (await drawAuditors(world, 2n)) as [Account, Account];
    await answer(world, 2n, [[present, await bench.truth(2n)]]);
    await bench.settle(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Accepted);
    assert.equal(await bench.owedTo(present), unit(AUDITS, 2n) / 2n);
    assert.equal(await bench.stakeLost(silent), (LOCK * 500n) / 10_000n);
    assert.deepEqual([await bench.lockedOf(present), await bench.lockedOf(silent)], [0n, 0n]);
  });

  it('is unanswered when nobody reveals', async () => {
    const auditors = await drawAuditors(world, 2n);
    await goTo(world, (await auditOf(world, 2n)).commitUntil + 1n);
    await bench.settle(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Unanswered);
    for (const auditor of auditors) assert.equal(await bench.stakeLost(auditor), LOCK / 20n);
    assert.equal(await world.court.held!(), 0n);
  });

  it('a rubber stamp loses by the verdict on a dispute, the honest worker nothing', async () => {
    const { right, wrong, caseId } = await bench.dispute(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Disputed);
    await assert.rejects(bench.settle(2n), /CourtCaseOpen/);
    const [open] = await world.court.openCases!();
    assert.deepEqual([open.caseId, open.traceId, open.worker], [caseId, 2n, bench.slots[2]!.address]);
    await bench.judge(caseId, false);
    await bench.settle(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Judged);
    assert.equal(await bench.owedTo(right), unit(AUDITS, 2n) / 2n);
    assert.deepEqual([await bench.owedTo(wrong), await bench.stakeLost(wrong)], [0n, LOCK / 2n]);
    assert.deepEqual(
      [await bench.stakeLost(right), (await world.work.traceOf!(2n)).fate],
      [0n, FATE.Committed],
    );
    assert.deepEqual([await bench.lockedOf(right), await bench.lockedOf(wrong)], [0n, 0n]);
    assert.equal((await world.jobs.traceOf!(bench.jobId, 0, 2)).lost, false);
  });

  it('a worker that a dispute finds guilty loses pay and lock, of which the right auditor gets a share', async () => {
    const { right, caseId } = await bench.dispute(2n);
    await bench.judge(caseId, true);
    assert.equal((await world.work.traceOf!(2n)).fate, FATE.Faulty);
    assert.equal((await world.jobs.traceOf!(bench.jobId, 0, 2)).lost, true);
    assert.equal(await world.jobs.earnedOf!(bench.jobId, 2), 0n);
    await bench.settle(2n);
    await passDeadline(world, bench.jobId);
    await call(world.jobs, world.outsider, 'expireJob', bench.jobId);
    assert.equal(await bench.stakeLost(bench.slots[2]!), WORKER_STAKE);
    assert.equal((await world.staking.unbondingOf!(right.address)).matured, WORKER_STAKE / 20n);
    assert.equal((await world.jobs.job!(bench.jobId)).payouts.auditors, dueOf(AUDITS, 1n));
  });

  it('no bundle in time is a fault, and no auditor is to blame', async () => {
    const auditors = (await drawAuditors(world, 2n)) as [Account, Account];
    await answer(
      world,
      2n,
      auditors.map((auditor) => [auditor, []] as const),
    );
    await bench.settle(2n);
    const { caseId } = await auditOf(world, 2n);
    const { deadline, challenger } = await world.court.caseOf!(caseId);
    assert.equal(challenger, `0x${'00'.repeat(20)}`);
    await goTo(world, deadline);
    await courtBlock(world, bench.system);
    assert.equal((await world.court.caseOf!(caseId)).state, CASE.Open);
    await courtBlock(world, bench.system);
    assert.equal((await world.court.caseOf!(caseId)).state, CASE.Upheld);
    assert.equal((await world.work.traceOf!(2n)).fate, FATE.Faulty);
    await bench.settle(2n);
    assert.equal(await bench.stateOf(2n), AUDIT.Judged);
    for (const auditor of auditors) {
      assert.deepEqual(
        [await bench.stakeLost(auditor), await bench.owedTo(auditor), await bench.lockedOf(auditor)],
        [0n, 0n, 0n],
      );
    }
  });

  describe('full audit', () => {
    it('has all segments executed, and pays for it out of the workers’ part', async () => {
      const full = await startTraining(world, { provable: true, fullAudit: true, deadlines });
      await commitTraces(world, full.jobId, full.slots, 0, { bitmap: 1n });
      const share = unit((REWARD * 6_000n) / 10_000n, 0n);
      const audit = await auditOf(world, 3n);
      assert.deepEqual([audit.value, await world.court.held!()], [share, share]);
      const auditors = (await drawAuditors(world, 3n)) as [Account, Account];
      assert.deepEqual([...(await auditOf(world, 3n)).segments], [0n, 1n, 2n]);
      const digests = await bench.truth(3n);
      await answer(
        world,
        3n,
        auditors.map((auditor) => [auditor, digests] as const),
      );
      await bench.settle(3n);
      for (const auditor of auditors) assert.equal(await bench.owedTo(auditor), share / 2n);
    });

    it('pays for others when nobody draws its auditors', async () => {
      const full = await startTraining(world, { provable: true, fullAudit: true, deadlines });
      await commitTraces(world, full.jobId, full.slots, 0, { bitmap: 1n });
      await assert.rejects(bench.settle(3n), /CourtTooEarly/);
      await assert.rejects(bench.settle(0n), /CourtWrongState/);
      const before: bigint = await world.court.pool!();
      await goTo(world, (await auditOf(world, 3n)).drawUntil + 1n);
      await bench.settle(3n);
      assert.equal(await world.court.held!(), 0n);
      assert.equal((await world.court.pool!()) - before, (await auditOf(world, 3n)).value);
    });

    it('is for provable jobs of at most 64 segments', async () => {
      await assert.rejects(post(world, { fullAudit: true }), /JobManagerBadPost/);
      await assert.rejects(
        post(world, { provable: true, fullAudit: true, segments: 65 }),
        /JobManagerBadPost/,
      );
      await post(world, { provable: true, fullAudit: true, segments: 64 });
    });
  });
});
