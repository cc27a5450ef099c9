// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";
import {IJobManager} from "./interfaces/IJobManager.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {ITrainingCourt} from "./interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "./interfaces/IUsefulWork.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";
import {
    Evaluation, Job, JobPost, JobReceipt, JobState, Parameters, ResultClaim, Round, RoundClaim, Score, TraceClaim
} from "./interfaces/JobTypes.sol";
import {JobEvaluation} from "./libraries/JobEvaluation.sol";
import {JobSettlement} from "./libraries/JobSettlement.sol";
import {JobStorage} from "./libraries/JobStorage.sol";
import {JobTraces} from "./libraries/JobTraces.sol";
import {JobTraining} from "./libraries/JobTraining.sol";

/// Keeps the ledger's layout before all other storage, so that receipts lie at slot 0.
abstract contract JobLedger {
    JobStorage.Layout internal $;
}

/// @title The life of a job, escrow and settlement
/// @dev Holds state, money and access; the steps of a job live in linked libraries that run in this storage.
contract JobManager is JobLedger, IJobManager, Ownable, EIP712, ReentrancyGuardTransient {
    uint256 private constant BPS = 10_000;

    constructor(
        address owner_,
        IStaking staking,
        IWorkerRegistry registry,
        IBeaconHistory beacons,
        IUsefulWork work,
        ITrainingCourt court,
        Parameters memory value
    ) Ownable(owner_) EIP712("fedai", "1") {
        $.staking = staking;
        $.registry = registry;
        $.beacons = beacons;
        $.work = work;
        $.court = court;
        _setParameters(value);
    }

    /// @inheritdoc IJobManager
    function postJob(JobPost calldata post) external payable returns (uint256 jobId) {
        return JobTraining.postJob($, post);
    }

    /// @inheritdoc IJobManager
    function cancelJob(uint256 jobId) external nonReentrant {
        JobTraining.cancelJob($, jobId);
    }

    /// @inheritdoc IJobManager
    function assignWorker(uint256 jobId) external nonReentrant {
        JobTraining.assignWorker($, jobId);
    }

    /// @inheritdoc IJobManager
    function closeAssignment(uint256 jobId) external nonReentrant {
        JobTraining.closeAssignment($, jobId);
    }

    /// @inheritdoc IJobManager
    function deliverDataKey(uint256 jobId, address worker, bytes calldata wrapped) external {
        JobTraining.deliverDataKey($, jobId, worker, wrapped);
    }

    /// @inheritdoc IJobManager
    function commitRound(uint256 jobId, uint32 round, RoundClaim calldata claim, bytes[] calldata signatures) external {
        JobTraining.commitRound($, jobId, round, claim, signatures, _domainSeparatorV4());
    }

    /// @inheritdoc IJobManager
    function commitTrace(uint256 jobId, uint32 round, TraceClaim calldata claim) external nonReentrant {
        JobTraces.commitTrace($, jobId, round, claim);
    }

    /// @inheritdoc IJobManager
    function voidTrace(uint256 jobId, uint32 round, uint8 slot) external {
        JobTraces.voidTrace($, jobId, round, slot);
    }

    /// @inheritdoc IJobManager
    function faultTrace(uint256 jobId, uint32 round, uint8 slot, address reporter) external {
        JobTraces.faultTrace($, jobId, round, slot, reporter);
    }

    /// @inheritdoc IJobManager
    function submitResult(uint256 jobId, ResultClaim calldata result) external {
        JobTraining.submitResult($, jobId, result);
    }

    /// @inheritdoc IJobManager
    function drawEvaluators(uint256 jobId) external nonReentrant {
        JobEvaluation.drawEvaluators($, jobId);
    }

    /// @inheritdoc IJobManager
    function deliverTestKey(uint256 jobId, address evaluator, bytes calldata wrapped) external {
        JobEvaluation.deliverTestKey($, jobId, evaluator, wrapped);
    }

    /// @inheritdoc IJobManager
    function commitScore(uint256 jobId, bytes32 commitment) external {
        JobEvaluation.commitScore($, jobId, commitment);
    }

    /// @inheritdoc IJobManager
    function revealScore(uint256 jobId, Score calldata score, bytes32 salt, bytes calldata signature) external {
        JobEvaluation.revealScore($, jobId, score, salt, signature, _domainSeparatorV4());
    }

    /// @inheritdoc IJobManager
    function publishTestKey(uint256 jobId, bytes32 key) external {
        JobEvaluation.publishTestKey($, jobId, key);
    }

    /// @inheritdoc IJobManager
    function completeJob(uint256 jobId) external nonReentrant {
        JobEvaluation.completeJob($, jobId);
    }

    /// @inheritdoc IJobManager
    function expireJob(uint256 jobId) external nonReentrant {
        JobState state = $.jobs[jobId].state;
        if (state == JobState.None) revert JobManagerUnknownJob(jobId);
        if (state == JobState.Open || state == JobState.Training) JobTraining.expire($, jobId);
        else if (state == JobState.Evaluating) JobEvaluation.expire($, jobId);
        else revert JobManagerWrongState(jobId, state, JobState.Evaluating);
    }

    /// @inheritdoc IJobManager
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = $.withdrawable[msg.sender];
        if (amount == 0) revert JobManagerNothingToWithdraw(msg.sender);
        $.withdrawable[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert JobManagerTransferFailed(msg.sender, amount);
    }

    /// @inheritdoc IJobManager
    function setParameters(Parameters calldata value) external onlyOwner {
        _setParameters(value);
    }

    /// @inheritdoc IJobManager
    function withdrawable(address account) external view returns (uint256) {
        return $.withdrawable[account];
    }

    /// @inheritdoc IJobManager
    function receiptHash(uint256 jobId) external view returns (bytes32) {
        return $.receiptHash[jobId];
    }

    /// @inheritdoc IJobManager
    function jobReceipt(uint256 jobId) external view returns (JobReceipt memory) {
        if ($.receiptHash[jobId] == 0) revert JobManagerNotSettled(jobId, $.jobs[jobId].state);
        return JobSettlement.receipt($, jobId);
    }

    /// @inheritdoc IJobManager
    function job(uint256 jobId) external view returns (Job memory present) {
        Job storage stored = $.jobs[jobId];
        if (stored.state == JobState.None) revert JobManagerUnknownJob(jobId);
        present = stored;
        (present.phase, present.deadline) = JobStorage.phaseOf(stored);
    }

    /// @inheritdoc IJobManager
    function volunteersOf(uint256 jobId) external view returns (address[] memory) {
        return $.volunteers[jobId];
    }

    /// @inheritdoc IJobManager
    function workersOf(uint256 jobId) external view returns (address[] memory) {
        return $.workers[jobId];
    }

    /// @inheritdoc IJobManager
    function evaluatorsOf(uint256 jobId) external view returns (address[] memory) {
        return $.evaluators[jobId];
    }

    /// @inheritdoc IJobManager
    function evaluationOf(uint256 jobId, address evaluator) external view returns (Evaluation memory) {
        return $.evaluations[jobId][$.jobs[jobId].attempt][evaluator];
    }

    /// @inheritdoc IJobManager
    function roundOf(uint256 jobId, uint32 round) external view returns (Round memory) {
        return $.rounds[jobId][round];
    }

    /// @inheritdoc IJobManager
    function earnedOf(uint256 jobId, uint256 slot) external view returns (uint256) {
        return $.slots[jobId][slot].earned;
    }

    /// @inheritdoc IJobManager
    function traceOf(uint256 jobId, uint32 round, uint8 slot)
        external
        view
        returns (bool committed, uint256 traceId, bool lost)
    {
        JobStorage.TraceRecord memory trace = $.traces[jobId][round][slot];
        return (trace.committed, trace.traceId, trace.lost);
    }

    /// @inheritdoc IJobManager
    function isPartOf(uint256 jobId, address account) external view returns (bool) {
        return account == $.jobs[jobId].client || $.slotOf[jobId][account] != 0;
    }

    /// @inheritdoc IJobManager
    function jobCount() external view returns (uint256) {
        return $.jobCount;
    }

    /// @inheritdoc IJobManager
    function parameters() external view returns (Parameters memory) {
        return $.parameters;
    }

    /// @inheritdoc IJobManager
    function openEscrow() external view returns (uint256) {
        return $.openEscrow;
    }

    /// @inheritdoc IJobManager
    function totalBurned() external view returns (uint256) {
        return $.totalBurned;
    }

    /// @inheritdoc IJobManager
    function contractsOf() external view returns (IStaking, IWorkerRegistry, IBeaconHistory, IUsefulWork, ITrainingCourt) {
        return ($.staking, $.registry, $.beacons, $.work, $.court);
    }

    function _setParameters(Parameters memory value) private {
        uint256 sum = uint256(value.workersBps) + value.evaluatorsBps + value.auditorsBps + value.burnBps
            + value.validatorsBps;
        if (sum != BPS) revert JobManagerBadParameters("split");
        if (value.fullAuditBps < value.auditorsBps || value.fullAuditBps > value.auditorsBps + value.workersBps) {
            revert JobManagerBadParameters("fullAuditBps");
        }
        if (value.evaluatorSlashBps > BPS || value.workerSlashBps > BPS) revert JobManagerBadParameters("slash");
        if (value.voidSlashBps > BPS || value.faultSlashBps > BPS) revert JobManagerBadParameters("slash");
        if (value.drawDelayBlocks == 0) revert JobManagerBadParameters("drawDelayBlocks");
        if (value.maxRounds == 0) revert JobManagerBadParameters("maxRounds");
        if (value.maxDeadlineBlocks == 0) revert JobManagerBadParameters("maxDeadlineBlocks");
        // Weights of a draw must be above zero.
        if (value.minWorkerStake == 0 || value.minEvaluatorStake == 0) revert JobManagerBadParameters("minimum stake");
        $.parameters = value;
        emit ParametersSet(value);
    }
}
