// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBeaconHistory} from "../interfaces/IBeaconHistory.sol";
import {IJobManager} from "../interfaces/IJobManager.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {ITrainingCourt} from "../interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "../interfaces/IUsefulWork.sol";
import {IWorkerRegistry} from "../interfaces/IWorkerRegistry.sol";
import {Evaluation, Job, JobState, Parameters, Phase, Round} from "../interfaces/JobTypes.sol";

/// @title State of JobManager
/// @notice One layout that JobManager hands to its libraries, and the guards that all of them use.
library JobStorage {
    /// Progress of the present evaluation.
    struct Tally {
        uint8 keys;
        uint8 commits;
        uint8 reveals;
    }

    /// What a slot's committed traces have come to.
    struct SlotRecord {
        uint128 earned;
        uint32 contributions;
        uint32 voids;
        uint32 faults;
        /// Of the first fault.
        address reporter;
    }

    /// The trace of one slot and round.
    struct TraceRecord {
        bool committed;
        bool lost;
        bool faulty;
        uint64 traceId;
    }

    struct Layout {
        /// Slot 0 of JobManager: light clients prove its entries. Keep it first.
        mapping(uint256 jobId => bytes32) receiptHash;
        IStaking staking;
        IWorkerRegistry registry;
        IBeaconHistory beacons;
        /// Zero where blocks open no traces: then work fees are burned whole.
        IUsefulWork work;
        /// Zero where nobody audits traces.
        ITrainingCourt court;
        uint256 jobCount;
        uint256 openEscrow;
        uint256 totalBurned;
        Parameters parameters;
        mapping(address account => uint256) withdrawable;
        mapping(uint256 jobId => Job) jobs;
        mapping(uint256 jobId => address[]) volunteers;
        /// Stake when volunteering; zero for others.
        mapping(uint256 jobId => mapping(address account => uint256)) volunteerWeight;
        mapping(uint256 jobId => address[]) workers;
        /// Slot + 1; zero for others.
        mapping(uint256 jobId => mapping(address account => uint256)) slotOf;
        mapping(uint256 jobId => mapping(uint256 round => Round)) rounds;
        mapping(uint256 jobId => mapping(uint256 slot => SlotRecord)) slots;
        mapping(uint256 jobId => mapping(uint256 round => mapping(uint256 slot => TraceRecord))) traces;
        mapping(uint256 jobId => address[]) evaluators;
        /// The last draw (from 1) that chose the account.
        mapping(uint256 jobId => mapping(address account => uint8)) drawnIn;
        mapping(uint256 jobId => mapping(uint8 attempt => mapping(address account => Evaluation))) evaluations;
        mapping(uint256 jobId => Tally) tallies;
        mapping(uint256 jobId => address[]) agreeing;
    }

    /// A content id (CIDv1, binary or base32) fits.
    uint256 internal constant MAX_CID_BYTES = 128;
    /// An HPKE-wrapped key with room for other schemes.
    uint256 internal constant MAX_WRAPPED_BYTES = 512;

    function requireState(Layout storage $, uint256 jobId, JobState expected) internal view returns (Job storage job) {
        job = $.jobs[jobId];
        if (job.state == JobState.None) revert IJobManager.JobManagerUnknownJob(jobId);
        if (job.state != expected) revert IJobManager.JobManagerWrongState(jobId, job.state, expected);
    }

    function requireNotPast(uint256 jobId, uint256 deadline) internal view {
        if (block.number > deadline) revert IJobManager.JobManagerDeadlinePassed(jobId, deadline);
    }

    function requireLength(bytes32 field, uint256 length, uint256 limit) internal pure {
        if (length == 0 || length > limit) revert IJobManager.JobManagerTooLong(field, length, limit);
    }

    /// @notice Phase and deadline as of this block: Commit turns into Reveal by time alone.
    function phaseOf(Job storage job) internal view returns (Phase phase, uint64 deadline) {
        phase = job.phase;
        deadline = job.deadline;
        if (phase == Phase.Commit && block.number > deadline) {
            return (Phase.Reveal, deadline + job.post.deadlines.revealBlocks);
        }
    }

    /// @notice The beacon that decides the job's next draw; reverts while it is not past.
    function drawBeacon(Layout storage $, uint256 jobId, Job storage job) internal view returns (bytes32 beacon) {
        if (block.number <= job.drawHeight) {
            revert IJobManager.JobManagerTooEarly(jobId, uint256(job.drawHeight) + 1);
        }
        (beacon,) = $.beacons.beaconAtOrAfter(job.drawHeight);
    }
}
