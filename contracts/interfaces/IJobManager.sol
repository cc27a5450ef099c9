// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBeaconHistory} from "./IBeaconHistory.sol";
import {IStaking} from "./IStaking.sol";
import {ITrainingCourt} from "./ITrainingCourt.sol";
import {IUsefulWork} from "./IUsefulWork.sol";
import {IWorkerRegistry} from "./IWorkerRegistry.sol";
import {
    Evaluation,
    Exit,
    Job,
    JobPost,
    JobReceipt,
    JobState,
    Parameters,
    Payouts,
    Phase,
    ResultClaim,
    Round,
    RoundClaim,
    Score,
    TraceClaim
} from "./JobTypes.sol";

/// @title The life of a job
/// @notice Escrow, volunteering, training rounds, results, evaluation and exact settlement, as docs/protocol/job.md tells
/// it. Every waiting step has a deadline in blocks after which anyone may move the job on. Money leaves by `withdraw`.
/// @dev EIP-712 domain: name "fedai", version "1". Signed types:
/// RoundClaim(uint256 jobId,uint32 round,bytes32 stateRoot,bytes stateCid,uint256 contributors,int64 loss)
/// Score(uint256 jobId,uint32 correct,uint32 total,bytes32 outputsRoot,bytes32 modelHash,uint8 verdict)
interface IJobManager {
    event JobPosted(uint256 indexed jobId, address indexed client, bytes documentCid, uint256 reward);
    event JobCancelled(uint256 indexed jobId);
    event WorkerVolunteered(uint256 indexed jobId, address indexed worker);
    event TrainingStarted(uint256 indexed jobId, address[] workers, bytes32 seed);
    event DataKeyDelivered(uint256 indexed jobId, address indexed worker, bytes wrapped);
    event RoundCommitted(
        uint256 indexed jobId, uint32 indexed round, bytes32 stateRoot, bytes stateCid, uint256 contributors, int64 loss
    );
    event TraceCommitted(
        uint256 indexed jobId,
        uint32 indexed round,
        address indexed worker,
        uint256 traceId,
        uint8 slot,
        bytes32 traceRoot,
        bytes32 endRoot,
        uint256 weight
    );
    /// The trace was drawn and not opened, or proven wrong: its pay goes back to the client.
    event TraceLost(uint256 indexed jobId, uint32 indexed round, address indexed worker, bool faulty);
    event ResultSubmitted(uint256 indexed jobId, bytes32 modelHash, bytes modelCid, address worker);
    event EvaluatorsDrawn(uint256 indexed jobId, address[] evaluators, uint8 attempt);
    event TestKeyDelivered(uint256 indexed jobId, address indexed evaluator, bytes wrapped);
    event ScoreCommitted(uint256 indexed jobId, address indexed evaluator, bytes32 commitment);
    event ScoreRevealed(uint256 indexed jobId, address indexed evaluator, Score score, bytes signature);
    event TestKeyPublished(uint256 indexed jobId, bytes32 key);
    /// No agreement in the first evaluation: new evaluators are drawn by the beacon of `drawHeight`.
    event RedrawOpened(uint256 indexed jobId, uint256 drawHeight);
    event JobCompleted(uint256 indexed jobId, Score score);
    event JobSettled(uint256 indexed jobId, JobState state, Exit exit, Payouts payouts);
    event Credited(uint256 indexed jobId, address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event ParametersSet(Parameters parameters);

    error JobManagerUnknownJob(uint256 jobId);
    error JobManagerWrongState(uint256 jobId, JobState got, JobState expected);
    error JobManagerWrongPhase(uint256 jobId, Phase got, Phase expected);
    error JobManagerBadPost(bytes32 field, uint256 got, uint256 limit);
    error JobManagerBadParameters(bytes32 field);
    error JobManagerTooLong(bytes32 field, uint256 length, uint256 limit);
    error JobManagerNotClient(uint256 jobId, address caller);
    error JobManagerNotWorker(uint256 jobId, address account);
    error JobManagerNotEvaluator(uint256 jobId, address account);
    error JobManagerIneligible(uint256 jobId, address account);
    error JobManagerAlreadyVolunteered(uint256 jobId, address account);
    error JobManagerVolunteersFull(uint256 jobId, uint256 limit);
    error JobManagerDeadlinePassed(uint256 jobId, uint256 deadline);
    error JobManagerTooEarly(uint256 jobId, uint256 earliest);
    error JobManagerInCourt(uint256 jobId);
    error JobManagerWrongRound(uint256 jobId, uint32 got, uint32 expected);
    error JobManagerBadContributors(uint256 jobId, uint256 contributors);
    error JobManagerNoMajority(uint256 jobId, uint256 signatures, uint256 slots);
    error JobManagerDuplicateSigner(uint256 jobId, address signer);
    error JobManagerStateMismatch(uint256 jobId, bytes32 got, bytes32 expected);
    error JobManagerTraceCommitted(uint256 jobId, uint32 round, uint256 slot);
    error JobManagerBadTrace(uint256 jobId, uint32 round, bytes32 path);
    error JobManagerNotUsefulWork(address caller);
    error JobManagerPoolTooSmall(uint256 jobId, uint256 pool, uint256 needed);
    error JobManagerKeyAlreadyDelivered(uint256 jobId, address account);
    error JobManagerKeyMismatch(uint256 jobId, bytes32 got, bytes32 expected);
    error JobManagerKeyMissing(uint256 jobId, address evaluator);
    error JobManagerAlreadyCommitted(uint256 jobId, address evaluator);
    error JobManagerAlreadyRevealed(uint256 jobId, address evaluator);
    error JobManagerCommitmentMismatch(uint256 jobId, bytes32 got, bytes32 expected);
    error JobManagerBadScore(uint256 jobId);
    error JobManagerWrongSigner(uint256 jobId, address got, address expected);
    error JobManagerNotSettled(uint256 jobId, JobState got);
    error JobManagerNothingToWithdraw(address account);
    error JobManagerTransferFailed(address to, uint256 amount);

    /// @notice Posts a job with its reward in escrow. Ids count from 1.
    function postJob(JobPost calldata post) external payable returns (uint256 jobId);

    /// @notice The client takes an Open job back; all is refunded.
    function cancelJob(uint256 jobId) external;

    /// @notice A registered worker volunteers within the window and locks the job's worker stake.
    function assignWorker(uint256 jobId) external;

    /// @notice Anyone, once the beacon of (end of the window + D) is past: draws the slots by stake, or fails the job for
    /// too few workers.
    function closeAssignment(uint256 jobId) external;

    /// @notice The client hands a worker the key of encrypted training data, wrapped to its reader key (at most 512 bytes).
    function deliverDataKey(uint256 jobId, address worker, bytes calldata wrapped) external;

    /// @notice Fixes training round `round` (from 0, in order) by signatures of a strict majority of the slots.
    function commitRound(uint256 jobId, uint32 round, RoundClaim calldata claim, bytes[] calldata signatures) external;

    /// @notice The worker of a slot commits its trace of training round `round`, once: of the round under way or the one fixed
    /// last, and of the last round until the job is settled. The trace starts from the state fixed before. Its unit of the
    /// workers' pool is earned, and its units of the work fee and of the auditors' part leave the escrow.
    function commitTrace(uint256 jobId, uint32 round, TraceClaim calldata claim) external;

    /// @notice UsefulWork alone: the slot's trace was drawn and not opened. Loses its pay and part of the worker's lock.
    function voidTrace(uint256 jobId, uint32 round, uint8 slot) external;

    /// @notice UsefulWork alone: the slot's trace is proven wrong. Loses its pay and the worker's lock, of which `reporter` gets
    /// its share.
    function faultTrace(uint256 jobId, uint32 round, uint8 slot, address reporter) external;

    /// @notice An assigned worker opens the last state root into the model hash and names the model's content id.
    function submitResult(uint256 jobId, ResultClaim calldata result) external;

    /// @notice Anyone, once the beacon of the draw height is past: draws evaluators by stake from the pool without workers
    /// and client, and locks their stake.
    function drawEvaluators(uint256 jobId) external;

    /// @notice The client hands a drawn evaluator the test key, wrapped to its reader key (at most 512 bytes).
    function deliverTestKey(uint256 jobId, address evaluator, bytes calldata wrapped) external;

    /// @param commitment keccak256(abi.encode(jobId, evaluator, score, salt)).
    function commitScore(uint256 jobId, bytes32 commitment) external;

    /// @notice Opens a commitment once all have committed or the time to commit is over.
    function revealScore(uint256 jobId, Score calldata score, bytes32 salt, bytes calldata signature) external;

    /// @notice Anyone makes the test key public, once no score can be committed any more.
    function publishTestKey(uint256 jobId, bytes32 key) external;

    /// @notice Anyone settles (or opens the one redraw of) an evaluation that is over. A job with traces settles only after
    /// `accrued.clearAt`, and after every case on one of them that had to wait for its turn.
    function completeJob(uint256 jobId) external;

    /// @notice Anyone moves a job past its deadline on to its exit.
    function expireJob(uint256 jobId) external;

    /// @notice Pays the caller all that it has been credited.
    function withdraw() external returns (uint256 amount);

    function setParameters(Parameters calldata value) external;

    function withdrawable(address account) external view returns (uint256);

    /// @notice keccak256(abi.encode(JobReceipt)) of a settled job, zero before. The mapping lies at storage slot 0, so its
    /// entry is proved at keccak256(abi.encode(jobId, uint256(0))).
    function receiptHash(uint256 jobId) external view returns (bytes32);

    /// @notice The receipt of a settled job.
    function jobReceipt(uint256 jobId) external view returns (JobReceipt memory);

    /// @notice The job with its phase and deadline as they hold for a transaction in the present block.
    function job(uint256 jobId) external view returns (Job memory);

    function volunteersOf(uint256 jobId) external view returns (address[] memory);

    /// @notice Assigned workers in slot order.
    function workersOf(uint256 jobId) external view returns (address[] memory);

    /// @notice Evaluators of the last draw.
    function evaluatorsOf(uint256 jobId) external view returns (address[] memory);

    /// @notice What an evaluator of the last draw has done.
    function evaluationOf(uint256 jobId, address evaluator) external view returns (Evaluation memory);

    function roundOf(uint256 jobId, uint32 round) external view returns (Round memory);

    /// @notice Wei that the worker in `slot` has earned by traces that are not lost.
    function earnedOf(uint256 jobId, uint256 slot) external view returns (uint256);

    /// @notice The trace of a slot's training round. On a chain without useful work all have number 0.
    function traceOf(uint256 jobId, uint32 round, uint8 slot)
        external
        view
        returns (bool committed, uint256 traceId, bool lost);

    /// @notice Whether the account is the job's client or has one of its slots.
    function isPartOf(uint256 jobId, address account) external view returns (bool);

    function jobCount() external view returns (uint256);

    function parameters() external view returns (Parameters memory);

    /// @notice Sum of the escrows of all jobs not yet settled.
    function openEscrow() external view returns (uint256);

    /// @notice Work fees destroyed here so far; those of provable jobs go to UsefulWork.
    function totalBurned() external view returns (uint256);

    /// @notice UsefulWork is zero on a chain whose blocks open no traces, the court where traces are not audited.
    function contractsOf()
        external
        view
        returns (IStaking staking, IWorkerRegistry registry, IBeaconHistory beacons, IUsefulWork work, ITrainingCourt court);
}
