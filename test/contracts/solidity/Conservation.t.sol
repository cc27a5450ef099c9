// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accrual, Job, JobState, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {Audit, AuditState, CaseState} from "../../../contracts/interfaces/CourtTypes.sol";
import {Fate, Trace} from "../../../contracts/interfaces/WorkTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {JobWalk} from "./JobWalk.sol";

/// No coin is made, lost or stuck, whatever the parties do.
contract ConservationTest is JobWalk {
    function setUp() public {
        _open();
    }

    function testFuzz_NoWalkMakesOrLosesACoin(uint256 seed) public {
        _seed(seed);
        for (uint256 i = 0; i < 60; i++) this.step();
        _check();
    }

    /// The walks are not all refusals: this one completes a job, and goes on until traces and audits met every end, or long enough.
    function test_AWalkCompletesAJob() public {
        _seed(4);
        bool all = false;
        for (uint256 i = 0; i < 1_500 && !all; i++) {
            this.step();
            if (i % 50 == 49) all = this.hasEveryEnd();
        }
        require(this.completedJobs() > 0, "no job was completed");
        _check();
    }

    /// Calls of their own, so that the memory of a step is freed after it.
    function step() external {
        _step();
    }

    function hasEveryEnd() external view returns (bool) {
        bool traces = _tracesOf(Fate.Opened) > 0 && _tracesOf(Fate.Void) > 0 && _tracesOf(Fate.Faulty) > 0;
        bool audits = _auditsIn(AuditState.Accepted) > 0 && _auditsIn(AuditState.Judged) > 0
            && _auditsIn(AuditState.Unanswered) > 0;
        return traces && audits && _casesIn(CaseState.Dismissed) > 0 && this.completedJobs() > 0;
    }

    function completedJobs() external view returns (uint256 completed) {
        uint256 count = jobs.jobCount();
        for (uint256 jobId = 1; jobId <= count; jobId++) {
            if (jobs.job(jobId).state == JobState.Completed) completed++;
        }
    }

    function _tracesOf(Fate fate) private view returns (uint256 traces) {
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) if (work.traceOf(id).fate == fate) traces++;
    }

    function _auditsIn(AuditState state) private view returns (uint256 audits) {
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) if (court.auditOf(id).state == state) audits++;
    }

    function _casesIn(CaseState state) private view returns (uint256 cases) {
        uint256 count = court.caseCount();
        for (uint256 id = 1; id <= count; id++) if (court.caseOf(id).state == state) cases++;
    }

    function _check() private view {
        uint256 owed = jobs.openEscrow();
        for (uint256 i = 0; i < accounts.length; i++) owed += jobs.withdrawable(accounts[i]);
        require(address(jobs).balance == owed, "balance differs from what is owed");
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
        uint256 owed = court.pool() + court.held() + court.bonds();
        for (uint256 i = 0; i < accounts.length; i++) owed += court.withdrawable(accounts[i]);
        require(address(court).balance == owed, "balance of the court differs from what it owes");
        require(audits + bondsPut == owed + courtPaid + court.totalBurned(), "audits or bonds are lost");
        uint256 open = court.openCases().length;
        require(court.bonds() <= open * BOND && open <= 2, "too many cases are open");
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
        Accrual memory sum;
        for (uint256 unit = 0; unit < rounds * slots; unit++) {
            (bool committed, uint256 id, bool lost) =
                jobs.traceOf(jobId, uint32(unit / slots), uint8(unit % slots));
            if (!committed) continue;
            Fate fate = work.traceOf(id).fate;
            require(lost == (fate == Fate.Void || fate == Fate.Faulty), "a fate and its job differ");
            Settlement.Unit memory due =
                Settlement.unitOf(job.reward, job.parameters, job.post.fullAudit, unit, rounds * slots);
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
        uint256 owed = work.openPools();
        for (uint256 i = 0; i < accounts.length; i++) owed += work.withdrawable(accounts[i]);
        require(address(work).balance == owed, "balance of UsefulWork differs from what it owes");
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) {
            Trace memory trace = work.traceOf(id);
            fees += trace.weight;
            require(trace.upTo == fees, "prefix sums");
            if (jobs.job(trace.jobId).state < JobState.Completed) continue;
            require(trace.fate != Fate.Drawn, "settled before the draw was");
        }
        require(fees == work.totalBurned() + owed + workPaid, "fees are lost");
    }

    /// What an open job holds locked: its volunteers or workers, and its evaluators once drawn.
    function _locksOf(uint256 jobId, Job memory job) private view returns (uint256) {
        uint256 staked = job.state == JobState.Open ? jobs.volunteersOf(jobId).length : jobs.workersOf(jobId).length;
        uint256 drawn = uint8(job.phase) > 1 ? jobs.evaluatorsOf(jobId).length : 0;
        return staked * job.post.workerStake + drawn * job.parameters.minEvaluatorStake;
    }

    function _checkStake(uint256 locks) private view {
        uint256 staked = 0;
        uint256 locked = 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            staked += staking.stakeOf(accounts[i]);
            locked += staking.lockedOf(accounts[i]);
            require(staking.getVotes(accounts[i]) == staking.stakeOf(accounts[i]), "votes differ from stake");
        }
        require(address(staking).balance == staked, "stake is not covered");
        require(locked == locks, "stake is locked by no job");
    }
}
