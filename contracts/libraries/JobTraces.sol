// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IJobManager} from "../interfaces/IJobManager.sol";
import {Accrual, Job, JobState, TraceClaim} from "../interfaces/JobTypes.sol";
import {Burn} from "./Burn.sol";
import {JobStorage} from "./JobStorage.sol";
import {MerkleSha256} from "./MerkleSha256.sol";
import {Settlement} from "./Settlement.sol";

/// @title Traces of training
/// @notice What workers computed, committed round by round and paid by the piece, and what happens to a trace that is lost. Which
/// traces are drawn and opened is UsefulWork's. Runs in JobManager's storage.
library JobTraces {
    using SafeCast for uint256;

    function commitTrace(JobStorage.Layout storage $, uint256 jobId, uint32 round, TraceClaim calldata claim) external {
        Job storage job = $.jobs[jobId];
        _requireOpen(jobId, job, round);
        uint256 slotPlusOne = $.slotOf[jobId][msg.sender];
        if (slotPlusOne == 0) revert IJobManager.JobManagerNotWorker(jobId, msg.sender);
        uint8 slot = uint8(slotPlusOne - 1);
        JobStorage.TraceRecord storage trace = $.traces[jobId][round][slot];
        if (trace.committed) revert IJobManager.JobManagerTraceCommitted(jobId, round, slot);
        _requireSound($, jobId, round, claim, job.post.segments);
        trace.committed = true;
        (uint256 fee, uint256 auditors) = _accrue($, jobId, job, round, slot);
        (uint256 traceId, uint256 weight) = _payFee($, jobId, job, round, slot, claim.traceRoot, fee);
        if (_isAudited($, job)) {
            uint256 potJob = job.post.segments < job.parameters.feeSegments ? jobId : 0;
            _clearAfter(job, $.court.record{value: auditors}(traceId, job.post.fullAudit, potJob));
        }
        trace.traceId = uint64(traceId);
        emit IJobManager.TraceCommitted(jobId, round, msg.sender, traceId, slot, claim.traceRoot, claim.endRoot, weight);
    }

    function voidTrace(JobStorage.Layout storage $, uint256 jobId, uint32 round, uint8 slot) external {
        if (_lose($, jobId, round, slot, false)) $.slots[jobId][slot].voids += 1;
    }

    /// A void trace can still be found faulty: silence must not be cheaper than the fault that it hides.
    function faultTrace(JobStorage.Layout storage $, uint256 jobId, uint32 round, uint8 slot, address reporter)
        external
    {
        _lose($, jobId, round, slot, true);
        JobStorage.TraceRecord storage trace = $.traces[jobId][round][slot];
        if (!trace.lost || trace.faulty || $.jobs[jobId].state >= JobState.Completed) return;
        trace.faulty = true;
        JobStorage.SlotRecord storage done = $.slots[jobId][slot];
        if (done.faults == 0) done.reporter = reporter;
        done.faults += 1;
    }

    /// A round's traces may come before it is fixed and until the next one is.
    function _requireOpen(uint256 jobId, Job storage job, uint32 round) private view {
        JobState state = job.state;
        if (state == JobState.None) revert IJobManager.JobManagerUnknownJob(jobId);
        if (state == JobState.Training) JobStorage.requireNotPast(jobId, job.deadline);
        else if (state != JobState.Evaluating) {
            revert IJobManager.JobManagerWrongState(jobId, state, JobState.Training);
        }
        uint32 fixedRounds = job.roundsFixed;
        if ((round != fixedRounds && uint256(round) + 1 != fixedRounds) || round >= job.post.rounds) {
            revert IJobManager.JobManagerWrongRound(jobId, round, fixedRounds);
        }
    }

    /// The trace starts where the round before ended, and shows its first and its last state.
    function _requireSound(
        JobStorage.Layout storage $,
        uint256 jobId,
        uint32 round,
        TraceClaim calldata claim,
        uint256 segments
    ) private view {
        // Where the first round starts follows from the job's document.
        if (round > 0 && claim.startRoot != $.rounds[jobId][round - 1].stateRoot) {
            revert IJobManager.JobManagerStateMismatch(
                jobId, claim.startRoot, $.rounds[jobId][round - 1].stateRoot
            );
        }
        (bytes32 root, bytes32 start, bytes32 end) =
            (claim.traceRoot, MerkleSha256.leafOf(claim.startRoot), MerkleSha256.leafOf(claim.endRoot));
        if (!MerkleSha256.verify(root, start, 0, segments + 1, claim.startPath)) {
            revert IJobManager.JobManagerBadTrace(jobId, round, "start");
        }
        if (!MerkleSha256.verify(root, end, segments, segments + 1, claim.endPath)) {
            revert IJobManager.JobManagerBadTrace(jobId, round, "end");
        }
    }

    /// Books the trace's unit of each part; the work fee and what is for auditors leave the escrow.
    function _accrue(JobStorage.Layout storage $, uint256 jobId, Job storage job, uint32 round, uint8 slot)
        private
        returns (uint256 fee, uint256 auditors)
    {
        (uint256 unit, uint256 units) = _unitOf(job, round, slot);
        Settlement.Unit memory due = Settlement.unitOf(job.reward, job.parameters, _auditsBps(job), unit, units);
        if (!_isAudited($, job)) due.auditors = 0;
        Accrual storage accrued = job.accrued;
        accrued.workers += due.workers.toUint128();
        accrued.burned += due.burned.toUint128();
        accrued.validators += due.validators.toUint128();
        accrued.auditors += due.auditors.toUint128();
        accrued.traces += 1;
        JobStorage.SlotRecord storage done = $.slots[jobId][slot];
        done.earned += due.workers.toUint128();
        done.contributions += 1;
        $.openEscrow -= due.burned + due.auditors;
        return (due.burned, due.auditors);
    }

    function _isAudited(JobStorage.Layout storage $, Job storage job) private view returns (bool) {
        return job.post.provable && address($.court) != address(0);
    }

    function _clearAfter(Job storage job, uint64 clearAt) private {
        if (clearAt > job.accrued.clearAt) job.accrued.clearAt = clearAt;
    }

    /// The fee of provable work is its weight in the draws; every other one is burned.
    function _payFee(
        JobStorage.Layout storage $,
        uint256 jobId,
        Job storage job,
        uint32 round,
        uint8 slot,
        bytes32 root,
        uint256 fee
    ) private returns (uint256 traceId, uint256 weight) {
        if (address($.work) != address(0)) {
            weight = job.post.provable ? fee : 0;
            uint64 clearAt;
            (traceId, clearAt) = $.work.record{value: weight}(jobId, round, slot, msg.sender, job.post.segments, root);
            _clearAfter(job, clearAt);
        }
        $.totalBurned += fee - weight;
        Burn.burn(fee - weight);
    }

    /// Gives the trace's pay back to the client; the stake follows at settlement. False where it is too late: draws must not
    /// fail, even when governance has moved them beyond the settlement.
    function _lose(JobStorage.Layout storage $, uint256 jobId, uint32 round, uint8 slot, bool faulty)
        private
        returns (bool)
    {
        if (msg.sender != address($.work)) revert IJobManager.JobManagerNotUsefulWork(msg.sender);
        Job storage job = $.jobs[jobId];
        JobStorage.TraceRecord storage trace = $.traces[jobId][round][slot];
        if (job.state >= JobState.Completed || !trace.committed || trace.lost) return false;
        trace.lost = true;
        (uint256 unit, uint256 units) = _unitOf(job, round, slot);
        uint256 workers = Settlement.unitOf(job.reward, job.parameters, _auditsBps(job), unit, units).workers;
        job.accrued.workers -= uint128(workers);
        job.accrued.lost += 1;
        JobStorage.SlotRecord storage done = $.slots[jobId][slot];
        done.earned -= uint128(workers);
        done.contributions -= 1;
        emit IJobManager.TraceLost(jobId, round, $.workers[jobId][slot], faulty);
        return true;
    }

    function _auditsBps(Job storage job) private view returns (uint256) {
        return Settlement.auditorsBps(job.parameters, job.post.provable, job.post.fullAudit, job.post.segments);
    }

    function _unitOf(Job storage job, uint32 round, uint8 slot) private view returns (uint256 unit, uint256 units) {
        uint256 workers = job.post.workers;
        return (uint256(round) * workers + slot, uint256(job.post.rounds) * workers);
    }
}
