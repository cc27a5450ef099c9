// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accrual, Job, JobState, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {Audit, AuditState, Case, CaseState} from "../../../contracts/interfaces/CourtTypes.sol";
import {Fate, Trace} from "../../../contracts/interfaces/WorkTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {JobWalk} from "./JobWalk.sol";

/// No coin is made, lost or stuck, whatever the parties do.
contract ConservationTest is JobWalk {
    function setUp() public {
        _open();
    }

    /// What a walk has met.
    struct Coverage {
        uint256 completed; // jobs
        uint256 opened; // traces
        uint256 void;
        uint256 faulty;
        uint256 accepted; // audits
        uint256 judged;
        uint256 unanswered;
        uint256 guilty; // cases, by verdict
        uint256 silent; // without one
        uint256 dismissed;
        uint256 disputes; // decided, among auditors
        uint256 waited; // for their turn, and decided
    }

    function testFuzz_NoWalkMakesOrLosesACoin(uint256 seed) public {
        _seed(seed);
        for (uint256 i = 0; i < 60; i++) this.step();
        this.check();
    }

    /// The walks are not all refusals: this one completes jobs, and its traces meet every end. Longer ones, which would meet
    /// every end of audits and cases too, take more memory than a small machine has: those are in audits.test.ts and court.test.ts.
    function test_AWalkMeetsTheEndsOfJobsAndTraces() public {
        _seed(1);
        for (uint256 i = 0; i < 500; i++) this.step();
        this.check();
        Coverage memory met = this.coverage();
        require(met.completed > 0, "no job was completed");
        require(met.opened > 0 && met.void > 0 && met.faulty > 0, "no trace opened, void or faulty");
        require(met.silent + met.guilty > 0, "no case was decided");
        require(work.totalBurned() > 0, "nothing was burned");
    }

    /// Calls of their own, so that the memory of a step is freed after it.
    function step() external {
        _step();
        _checkBalances();
    }

    function check() external view {
        _check();
    }

    function coverage() external view returns (Coverage memory met) {
        uint256 count = jobs.jobCount();
        for (uint256 id = 1; id <= count; id++) if (jobs.job(id).state == JobState.Completed) met.completed++;
        count = work.traceCount();
        for (uint256 id = 0; id < count; id++) {
            Fate fate = work.traceOf(id).fate;
            if (fate == Fate.Opened) met.opened++;
            if (fate == Fate.Void) met.void++;
            if (fate == Fate.Faulty) met.faulty++;
            AuditState state = court.auditOf(id).state;
            if (state == AuditState.Accepted) met.accepted++;
            if (state == AuditState.Judged) met.judged++;
            if (state == AuditState.Unanswered) met.unanswered++;
        }
        count = court.caseCount();
        for (uint256 id = 1; id <= count; id++) _cover(court.caseOf(id), met);
    }

    function _cover(Case memory one, Coverage memory met) private pure {
        bool isDecided = one.state == CaseState.Upheld || one.state == CaseState.Dismissed;
        if (one.state == CaseState.Upheld && one.digest != 0) met.guilty++;
        if (one.state == CaseState.Upheld && one.digest == 0) met.silent++;
        if (one.state == CaseState.Dismissed) met.dismissed++;
        if (isDecided && one.challenger == address(0)) met.disputes++;
        if (isDecided && one.waited) met.waited++;
    }

    /// Each contract holds what it owes, to the wei.
    function _checkBalances() private view {
        (uint256 jobsOwe, uint256 workOwes) = (jobs.openEscrow(), work.openPools() + work.openShares());
        (uint256 courtOwes, uint256 staked) = (court.pool() + court.pots() + court.held() + court.bonds(), 0);
        for (uint256 i = 0; i < accounts.length; i++) {
            jobsOwe += jobs.withdrawable(accounts[i]);
            workOwes += work.withdrawable(accounts[i]);
            courtOwes += court.withdrawable(accounts[i]);
            staked += staking.stakeOf(accounts[i]);
        }
        require(address(jobs).balance == jobsOwe, "balance differs from what is owed");
        require(address(work).balance == workOwes, "balance of UsefulWork differs from what it owes");
        require(address(court).balance == courtOwes, "balance of the court differs from what it owes");
        require(address(staking).balance == staked, "stake is not covered");
    }

    function _check() private view {
        uint256 open = 0;
        uint256 burned = 0;
        uint256 audits = 0;
        uint256 locks = 0;
        uint256 count = jobs.jobCount();
        for (uint256 jobId = 1; jobId <= count; jobId++) {
            Job memory job = jobs.job(jobId);
            Payouts memory due = job.payouts;
            uint256 sum = due.workers + due.evaluators + due.auditors + due.burned + due.validators + due.refund;
            require(sum == due.escrow, "payouts do not sum to the escrow");
            _checkAccrual(jobId, job);
            if (job.state < JobState.Completed) {
                open += job.reward - job.accrued.burned - job.accrued.auditors;
                locks += _locksOf(jobId, job);
            } else {
                require(due.escrow == job.reward, "the escrow was not divided");
                require(jobs.receiptHash(jobId) == keccak256(abi.encode(jobs.jobReceipt(jobId))), "receipt changed");
            }
            burned += job.accrued.burned;
            audits += job.accrued.auditors;
        }
        require(open == jobs.openEscrow(), "open escrow");
        require(burned == jobs.totalBurned() + _checkWork(), "burned");
        _checkCourt(audits);
        _checkStake(locks + _auditLocks());
    }

    /// What the court got for audits and as bonds is set aside, paid out, owed or burned.
    function _checkCourt(uint256 audits) private view {
        uint256 owed = court.pool() + court.pots() + court.held() + court.bonds();
        for (uint256 i = 0; i < accounts.length; i++) owed += court.withdrawable(accounts[i]);
        require(audits + bondsPut == owed + courtPaid + court.totalBurned(), "audits or bonds are lost");
        require(court.openCases().length <= 2, "too many cases are open");
        uint256 count = court.caseCount();
        uint256 bonds = 0;
        for (uint256 id = 1; id <= count; id++) {
            Case memory one = court.caseOf(id);
            if (one.state != CaseState.Open && one.state != CaseState.Waiting) continue;
            bonds += one.bond;
            uint256 jobId = work.traceOf(one.traceId).jobId;
            require(!one.waited || court.waitingCases(jobId) > 0, "a case waits for no job");
            require(jobs.job(jobId).state < JobState.Completed, "settled before its case was");
        }
        require(bonds == court.bonds(), "bonds of no case");
    }

    function _auditLocks() private view returns (uint256 locks) {
        uint256 count = work.traceCount();
        uint256 set = 0;
        for (uint256 id = 0; id < count; id++) {
            Audit memory audit = court.auditOf(id);
            bool drawn = audit.state == AuditState.Drawn || audit.state == AuditState.Disputed;
            if (drawn) locks += audit.lock * audit.auditors.length;
            if (drawn) set += audit.fee;
            else if (audit.fullAudit && audit.state == AuditState.None) set += audit.value;
        }
        require(set == court.held(), "set aside for no audit");
    }

    /// What is due is the sum of the units of the traces.
    function _checkAccrual(uint256 jobId, Job memory job) private view {
        (uint256 rounds, uint256 slots) = (job.post.rounds, job.post.workers);
        uint256 auditsBps =
            Settlement.auditorsBps(job.parameters, job.post.provable, job.post.fullAudit, job.post.segments);
        Accrual memory sum;
        for (uint256 unit = 0; unit < rounds * slots; unit++) {
            (bool committed, uint256 id, bool lost) =
                jobs.traceOf(jobId, uint32(unit / slots), uint8(unit % slots));
            if (!committed) continue;
            Fate fate = work.traceOf(id).fate;
            require(lost == (fate == Fate.Void || fate == Fate.Faulty), "a fate and its job differ");
            Settlement.Unit memory due = Settlement.unitOf(job.reward, job.parameters, auditsBps, unit, rounds * slots);
            if (!lost) sum.workers += uint128(due.workers);
            if (job.post.provable) sum.auditors += uint128(due.auditors);
            sum.burned += uint128(due.burned);
            sum.validators += uint128(due.validators);
            sum.traces++;
        }
        Accrual memory accrued = job.accrued;
        require(accrued.workers == sum.workers && accrued.validators == sum.validators, "accrued");
        require(accrued.burned == sum.burned && accrued.traces == sum.traces, "fees");
        require(accrued.auditors == sum.auditors, "auditors");
        if (job.state >= JobState.Completed) {
            require(job.payouts.workers == sum.workers && job.payouts.burned == sum.burned, "paid otherwise");
        }
    }

    /// The fees that UsefulWork got are burned, paid out, owed or in a pool; returns them.
    function _checkWork() private view returns (uint256 fees) {
        uint256 owed = work.openPools() + work.openShares();
        for (uint256 i = 0; i < accounts.length; i++) owed += work.withdrawable(accounts[i]);
        uint256 shares = 0;
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) {
            Trace memory trace = work.traceOf(id);
            fees += trace.weight;
            require(trace.upTo == fees, "prefix sums");
            bool isLost = trace.fate == Fate.Void || trace.fate == Fate.Faulty;
            if (jobs.job(trace.jobId).state < JobState.Completed) {
                shares += isLost ? 0 : uint256(trace.weight) * trace.shareBps / 10_000;
                continue;
            }
            require(trace.fate != Fate.Drawn, "settled before the draw was");
        }
        require(shares == work.openShares(), "shares of no open job");
        require(fees == work.totalBurned() + owed + workPaid, "fees are lost");
    }

    /// What an open job holds locked: its volunteers or workers, and its evaluators once drawn.
    function _locksOf(uint256 jobId, Job memory job) private view returns (uint256) {
        uint256 staked = job.state == JobState.Open ? jobs.volunteersOf(jobId).length : jobs.workersOf(jobId).length;
        uint256 drawn = uint8(job.phase) > 1 ? jobs.evaluatorsOf(jobId).length : 0;
        return staked * job.post.workerStake + drawn * job.parameters.minEvaluatorStake;
    }

    function _checkStake(uint256 locks) private view {
        uint256 locked = 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            locked += staking.lockedOf(accounts[i]);
            require(staking.getVotes(accounts[i]) == staking.stakeOf(accounts[i]), "votes differ from stake");
        }
        require(locked == locks, "stake is locked by no job");
    }
}
