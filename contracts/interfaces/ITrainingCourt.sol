// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBeaconHistory} from "./IBeaconHistory.sol";
import {Audit, Case, CourtParameters, OpenCase} from "./CourtTypes.sol";
import {IJobManager} from "./IJobManager.sol";
import {IStaking} from "./IStaking.sol";
import {IUsefulWork} from "./IUsefulWork.sol";
import {IWorkerRegistry} from "./IWorkerRegistry.sol";

/// @title Audits of traces, and the court that decides about them
/// @notice Some traces are audited by evaluators that are drawn after the commitment: each executes the audited segments again,
/// commits to digests that the worker never publishes, and reveals them. Where they differ, or somebody challenges with a bond,
/// validators execute the segment in a block and the verdict comes by system call; a case without one in time goes against the
/// worker. Auditors' pay comes out of the jobs, docs/protocol/useful-work.md tells the rest. Money leaves by `withdraw`.
/// @dev The chain calls `onBlock` from the system address before the first transaction of each block, after UsefulWork's. Such
/// calls leave no receipts: read the views, not events.
interface ITrainingCourt {
    event AuditorsDrawn(uint256 indexed traceId, address[] auditors, uint32[] segments, uint256 fee);
    event AuditCommitted(uint256 indexed traceId, address indexed auditor, bytes32 commitment);
    event AuditRevealed(uint256 indexed traceId, address indexed auditor, bytes32[] digests);
    /// An auditor's part in a settled audit: what it is paid and what it has lost of its stake, wei.
    event AuditorSettled(uint256 indexed traceId, address indexed auditor, uint256 paid, uint256 slashed);
    event AuditSettled(uint256 indexed traceId, uint8 state);
    /// The deadline is zero where the case waits for its turn.
    event CaseOpened(
        uint256 indexed caseId, uint256 indexed traceId, uint32 segment, address indexed challenger, uint64 deadline
    );
    event Withdrawn(address indexed account, uint256 amount);
    event CourtParametersSet(CourtParameters parameters);

    error CourtNotJobManager(address caller);
    error CourtNotSystem(address caller);
    error CourtBadParameters(bytes32 field);
    error CourtUnknownTrace(uint256 traceId);
    error CourtNotSelected(uint256 traceId);
    error CourtWrongState(uint256 traceId, uint8 got);
    error CourtTooEarly(uint256 traceId, uint256 earliest);
    error CourtDeadlinePassed(uint256 traceId, uint256 deadline);
    error CourtNoAuditors(uint256 traceId);
    error CourtNotAuditor(uint256 traceId, address account);
    error CourtAlreadyCommitted(uint256 traceId, address auditor);
    error CourtAlreadyRevealed(uint256 traceId, address auditor);
    error CourtCommitmentMismatch(uint256 traceId, bytes32 got, bytes32 expected);
    error CourtBadDigests(uint256 traceId, uint256 got, uint256 expected);
    error CourtWrongBond(uint256 got, uint256 expected);
    error CourtUnknownSegment(uint256 traceId, uint256 segment, uint256 segments);
    error CourtTraceFaulty(uint256 traceId);
    error CourtCaseOpen(uint256 traceId, uint256 caseId);
    error CourtBusy(uint256 open, uint256 limit);
    error CourtNotOpen(uint256 caseId);
    error CourtWrongVerdict(uint256 caseId, bytes32 field);
    error CourtNothingToWithdraw(address account);
    error CourtTransferFailed(address to, uint256 amount);

    /// @notice JobManager brings a provable trace before the court, with its unit of the auditors' part as value.
    /// @param potJob The trace's job where its own traces alone pay for audits, else zero.
    /// @return clearAt The last block in which the court can find it faulty.
    function record(uint256 traceId, bool fullAudit, uint256 potJob) external payable returns (uint64 clearAt);

    /// @notice JobManager, when it settles a job: what is left of its pot pays for audits of others.
    /// @return closed False while a case on one of its traces has had to wait and is not decided.
    function close(uint256 jobId) external returns (bool closed);

    /// @notice The chain, in a block without a verdict: closes cases whose time is over, at most four.
    function onBlock() external;

    /// @notice The chain, in a block whose proposer and voters have executed the case's segment again. Reverts, and so makes the
    /// block invalid, unless the case is open, not past its deadline, and of this root and segment.
    /// @param guilty The end state differs from the committed one.
    /// @param digest Of the segment as executed, see `revealAudit`.
    function onBlock(uint64 caseId, bool guilty, bytes32 digest, bytes32 traceRoot, uint32 segment) external;

    /// @notice Anyone, after block `drawFrom` of a selected trace until `drawUntil`: draws evaluators by stake without those that
    /// have a part in the job, and locks stake of each.
    function drawAuditors(uint256 traceId) external;

    /// @param commitment keccak256(abi.encode(traceId, auditor, keccak256(abi.encodePacked(digests)), salt)).
    function commitAudit(uint256 traceId, bytes32 commitment) external;

    /// @notice Opens a commitment once all have committed or the time to commit is over.
    /// @param digests One for each segment of `selectionOf`, in its order; empty says that no bundle was to be had. A digest is
    /// SHA-256("fedai-audit/1", state root after half of the segment's steps, loss of each step as 64 bits).
    function revealAudit(uint256 traceId, bytes32[] calldata digests, bytes32 salt) external;

    /// @notice Anyone, once all that committed have revealed or the time is over: pays auditors that agree, opens a case where
    /// they differ or all got no bundle, and settles a dispute whose case is closed.
    function settleAudit(uint256 traceId) external;

    /// @notice Anyone brings a segment of a trace to court, with the bond as value. It comes back when the trace is faulty, else
    /// half goes to the worker and half is burned. The challenger of a faulty trace gets the reporter's share of the slash.
    /// A busy court refuses, but not a drawn auditor of the trace in one of the audited segments, nor a dispute: their case
    /// waits for its turn, and the job for their case.
    function challenge(uint256 traceId, uint32 segment) external payable returns (uint64 caseId);

    /// @notice Pays the caller all that it has been credited.
    function withdraw() external returns (uint256 amount);

    function setParameters(CourtParameters calldata value) external;

    /// @notice Whether the trace is audited, and in which segments. Reverts while the beacon of `drawFrom` is not known.
    function selectionOf(uint256 traceId) external view returns (bool selected, uint32[] memory segments);

    function auditOf(uint256 traceId) external view returns (Audit memory);

    function caseOf(uint256 caseId) external view returns (Case memory);

    /// @notice Ids count from 1.
    function caseCount() external view returns (uint256);

    function openCases() external view returns (OpenCase[] memory);

    /// @notice Cases of a job that had to wait and are not decided. The job is settled after them.
    function waitingCases(uint256 jobId) external view returns (uint256);

    /// @notice The smallest stake that makes cheating on a slot with this pay a loss, whatever share of the work is skipped:
    /// pay * (1 / q - 1) where q = audit rate * (1 - bad ^ auditors). Where not all is audited, q counts two thirds: that much is
    /// left of it when a third of the stake withholds reveals from the beacon that selects.
    function lockFor(uint256 pay, bool fullAudit) external view returns (uint256);

    /// @notice Wei for audits that are not drawn yet.
    function pool() external view returns (uint256);

    /// @notice Wei for audits that are not drawn yet, which jobs of few segments a round keep for their own.
    function pots() external view returns (uint256);

    /// @notice Wei set aside for full audits and for drawn auditors.
    function held() external view returns (uint256);

    /// @notice Wei of bonds of open cases.
    function bonds() external view returns (uint256);

    /// @notice Wei of lost bonds destroyed here.
    function totalBurned() external view returns (uint256);

    function withdrawable(address account) external view returns (uint256);

    function parameters() external view returns (CourtParameters memory);

    function contractsOf()
        external
        view
        returns (IJobManager jobs, IUsefulWork work, IStaking staking, IWorkerRegistry registry, IBeaconHistory beacons);
}
