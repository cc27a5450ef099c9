// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IJobManager} from "../interfaces/IJobManager.sol";
import {
    Deadlines, Exit, Job, JobPost, JobState, Parameters, Phase, ResultClaim, Round, RoundClaim
} from "../interfaces/JobTypes.sol";
import {JobSettlement} from "./JobSettlement.sol";
import {JobStorage} from "./JobStorage.sol";
import {Settlement} from "./Settlement.sol";
import {StakeDraw} from "./StakeDraw.sol";

/// @title Open and Training
/// @notice From the post of a job to its submitted result. Runs in JobManager's storage.
library JobTraining {
    using JobStorage for JobStorage.Layout;

    /// Slots are bits of a round's contributors, kept in 64 bits.
    uint256 private constant MAX_WORKERS = 64;
    /// Bounds the loops of a draw.
    uint256 private constant MAX_VOLUNTEERS = 128;
    /// Bounds the comparison of every score with every other.
    uint256 private constant MAX_EVALUATORS = 15;
    /// Bounds the paths of a trace.
    uint256 private constant MAX_SEGMENTS = 4_096;
    /// Bounds what an auditor reveals of a full audit.
    uint256 private constant MAX_FULL_AUDIT_SEGMENTS = 64;
    uint256 private constant MODE_FEDERATED = 1;
    uint256 private constant PPM = 1_000_000;
    bytes32 private constant ROUND_CLAIM_TYPEHASH = keccak256(
        "RoundClaim(uint256 jobId,uint32 round,bytes32 stateRoot,bytes stateCid,uint256 contributors,int64 loss)"
    );

    function postJob(JobStorage.Layout storage $, JobPost calldata post) external returns (uint256 jobId) {
        Parameters memory parameters = $.parameters;
        _checkPost(post, parameters);
        _checkAudit($, post, parameters);
        jobId = ++$.jobCount;
        Job storage job = $.jobs[jobId];
        job.post = post;
        job.parameters = parameters;
        job.client = msg.sender;
        job.reward = msg.value;
        job.state = JobState.Open;
        job.postedAt = uint64(block.number);
        job.deadline = uint64(block.number) + post.deadlines.volunteerBlocks;
        job.drawHeight = job.deadline + parameters.drawDelayBlocks;
        $.openEscrow += msg.value;
        emit IJobManager.JobPosted(jobId, msg.sender, post.documentCid, msg.value);
    }

    function cancelJob(JobStorage.Layout storage $, uint256 jobId) external {
        Job storage job = $.requireState(jobId, JobState.Open);
        if (msg.sender != job.client) revert IJobManager.JobManagerNotClient(jobId, msg.sender);
        _releaseVolunteers($, jobId, job);
        emit IJobManager.JobCancelled(jobId);
        JobSettlement.settle($, jobId, JobState.Cancelled, Exit.ClientCancelled);
    }

    function assignWorker(JobStorage.Layout storage $, uint256 jobId) external {
        Job storage job = $.requireState(jobId, JobState.Open);
        JobStorage.requireNotPast(jobId, job.deadline);
        if ($.volunteerWeight[jobId][msg.sender] != 0) {
            revert IJobManager.JobManagerAlreadyVolunteered(jobId, msg.sender);
        }
        if ($.volunteers[jobId].length >= MAX_VOLUNTEERS) {
            revert IJobManager.JobManagerVolunteersFull(jobId, MAX_VOLUNTEERS);
        }
        uint32 bands = job.post.minimumBands;
        if (
            msg.sender == job.client || !$.registry.isWorker(msg.sender)
                || $.registry.nodeOf(msg.sender).bands & bands != bands
        ) revert IJobManager.JobManagerIneligible(jobId, msg.sender);
        $.volunteers[jobId].push(msg.sender);
        // The weight is fixed now, before the beacon of the draw can be known.
        $.volunteerWeight[jobId][msg.sender] = $.staking.stakeOf(msg.sender);
        emit IJobManager.WorkerVolunteered(jobId, msg.sender);
        $.staking.lock(msg.sender, job.post.workerStake);
    }

    function closeAssignment(JobStorage.Layout storage $, uint256 jobId) public {
        Job storage job = $.requireState(jobId, JobState.Open);
        if (block.number <= job.drawHeight) {
            revert IJobManager.JobManagerTooEarly(jobId, uint256(job.drawHeight) + 1);
        }
        if ($.volunteers[jobId].length < job.post.workers) {
            _releaseVolunteers($, jobId, job);
            JobSettlement.settle($, jobId, JobState.Failed, Exit.TooFewWorkers);
            return;
        }
        bytes32 beacon = $.drawBeacon(jobId, job);
        address[] memory workers = _drawWorkers($, jobId, job, beacon);
        $.workers[jobId] = workers;
        for (uint256 slot = 0; slot < workers.length; slot++) $.slotOf[jobId][workers[slot]] = slot + 1;
        job.seed = beacon;
        job.state = JobState.Training;
        job.deadline = uint64(block.number) + job.post.deadlines.roundBlocks;
        emit IJobManager.TrainingStarted(jobId, workers, beacon);
        _releaseVolunteers($, jobId, job);
    }

    function deliverDataKey(JobStorage.Layout storage $, uint256 jobId, address worker, bytes calldata wrapped) external {
        Job storage job = $.requireState(jobId, JobState.Training);
        if (msg.sender != job.client) revert IJobManager.JobManagerNotClient(jobId, msg.sender);
        if ($.slotOf[jobId][worker] == 0) revert IJobManager.JobManagerNotWorker(jobId, worker);
        JobStorage.requireLength("wrapped", wrapped.length, JobStorage.MAX_WRAPPED_BYTES);
        emit IJobManager.DataKeyDelivered(jobId, worker, wrapped);
    }

    function commitRound(
        JobStorage.Layout storage $,
        uint256 jobId,
        uint32 round,
        RoundClaim calldata claim,
        bytes[] calldata signatures,
        bytes32 domainSeparator
    ) external {
        Job storage job = $.requireState(jobId, JobState.Training);
        JobStorage.requireNotPast(jobId, job.deadline);
        if (round != job.roundsFixed || round >= job.post.rounds) {
            revert IJobManager.JobManagerWrongRound(jobId, round, job.roundsFixed);
        }
        JobStorage.requireLength("stateCid", claim.stateCid.length, JobStorage.MAX_CID_BYTES);
        if (claim.contributors == 0 || claim.contributors >> job.post.workers != 0) {
            revert IJobManager.JobManagerBadContributors(jobId, claim.contributors);
        }
        _requireMajority($, jobId, _roundDigest(jobId, round, claim, domainSeparator), signatures, job.post.workers);
        $.rounds[jobId][round] =
            Round(claim.stateRoot, uint64(claim.contributors), claim.loss, uint64(block.number));
        job.roundsFixed = round + 1;
        job.lastStateRoot = claim.stateRoot;
        bool last = round + 1 == job.post.rounds;
        job.deadline =
            uint64(block.number) + (last ? job.post.deadlines.resultBlocks : job.post.deadlines.roundBlocks);
        emit IJobManager.RoundCommitted(
            jobId, round, claim.stateRoot, claim.stateCid, claim.contributors, claim.loss
        );
    }

    function submitResult(JobStorage.Layout storage $, uint256 jobId, ResultClaim calldata result) external {
        Job storage job = $.requireState(jobId, JobState.Training);
        JobStorage.requireNotPast(jobId, job.deadline);
        if (job.roundsFixed != job.post.rounds) {
            revert IJobManager.JobManagerWrongRound(jobId, job.roundsFixed, job.post.rounds);
        }
        if ($.slotOf[jobId][msg.sender] == 0) revert IJobManager.JobManagerNotWorker(jobId, msg.sender);
        JobStorage.requireLength("modelCid", result.modelCid.length, JobStorage.MAX_CID_BYTES);
        bytes32 stateRoot =
            sha256(abi.encodePacked("fedai-state/1", result.weightsRoot, result.optimiserRoot, result.counter));
        if (stateRoot != job.lastStateRoot) {
            revert IJobManager.JobManagerStateMismatch(jobId, stateRoot, job.lastStateRoot);
        }
        job.modelHash = result.weightsRoot;
        job.modelCid = result.modelCid;
        job.claimedPpm = result.claimedPpm;
        job.submitter = msg.sender;
        job.state = JobState.Evaluating;
        job.phase = Phase.Draw;
        job.drawHeight = uint64(block.number) + job.parameters.drawDelayBlocks;
        job.deadline = job.drawHeight + job.post.deadlines.keyBlocks;
        emit IJobManager.ResultSubmitted(jobId, result.weightsRoot, result.modelCid, msg.sender);
    }

    /// @notice Exits of Open and Training.
    function expire(JobStorage.Layout storage $, uint256 jobId) external {
        Job storage job = $.jobs[jobId];
        if (job.state == JobState.Open) return closeAssignment($, jobId);
        if (block.number <= job.deadline) revert IJobManager.JobManagerTooEarly(jobId, uint256(job.deadline) + 1);
        bool trained = job.roundsFixed == job.post.rounds;
        JobSettlement.settle($, jobId, JobState.Failed, trained ? Exit.ResultAbsent : Exit.WorkersAbsent);
    }

    function _checkPost(JobPost calldata post, Parameters memory parameters) private view {
        JobStorage.requireLength("documentCid", post.documentCid.length, JobStorage.MAX_CID_BYTES);
        _checkRange("workers", post.workers, 1, MAX_WORKERS);
        _checkRange("evaluators", post.evaluators, 3, MAX_EVALUATORS);
        if (post.evaluators % 2 == 0) revert IJobManager.JobManagerBadPost("evaluators", post.evaluators, MAX_EVALUATORS);
        _checkRange("rounds", post.rounds, 1, parameters.maxRounds);
        _checkRange("mode", post.mode, MODE_FEDERATED, MODE_FEDERATED);
        _checkRange("targetScorePpm", post.targetScorePpm, 0, PPM);
        _checkRange("workerStake", post.workerStake, parameters.minWorkerStake, type(uint128).max);
        _checkRange("reward", msg.value, parameters.minReward, type(uint128).max);
        _checkRange("segments", post.segments, 1, MAX_SEGMENTS);
        if (post.documentHash == 0) revert IJobManager.JobManagerBadPost("documentHash", 0, 0);
        if (post.testKeyCommitment == 0) revert IJobManager.JobManagerBadPost("testKeyCommitment", 0, 0);
        Deadlines calldata deadlines = post.deadlines;
        uint256 longest = parameters.maxDeadlineBlocks;
        _checkRange("volunteerBlocks", deadlines.volunteerBlocks, 1, longest);
        _checkRange("roundBlocks", deadlines.roundBlocks, 1, longest);
        _checkRange("resultBlocks", deadlines.resultBlocks, 1, longest);
        _checkRange("keyBlocks", deadlines.keyBlocks, 1, longest);
        _checkRange("commitBlocks", deadlines.commitBlocks, 1, longest);
        _checkRange("revealBlocks", deadlines.revealBlocks, 1, longest);
    }

    /// A worker that is found cheating must lose more than it can gain by it.
    function _checkAudit(JobStorage.Layout storage $, JobPost calldata post, Parameters memory parameters) private view {
        bool audited = post.provable && address($.court) != address(0);
        if (post.fullAudit) {
            if (!audited) revert IJobManager.JobManagerBadPost("fullAudit", 1, 0);
            _checkRange("segments", post.segments, 1, MAX_FULL_AUDIT_SEGMENTS);
        }
        if (!audited) return;
        uint256 auditsBps = Settlement.auditorsBps(parameters, true, post.fullAudit, post.segments);
        uint256 pay = Math.ceilDiv(Settlement.workersPool(msg.value, parameters, auditsBps), post.workers);
        _checkRange("workerStake", post.workerStake, $.court.lockFor(pay, post.fullAudit), type(uint128).max);
    }

    function _checkRange(bytes32 field, uint256 value, uint256 low, uint256 high) private pure {
        if (value < low) revert IJobManager.JobManagerBadPost(field, value, low);
        if (value > high) revert IJobManager.JobManagerBadPost(field, value, high);
    }

    function _drawWorkers(JobStorage.Layout storage $, uint256 jobId, Job storage job, bytes32 beacon)
        private
        view
        returns (address[] memory)
    {
        address[] memory volunteers = $.volunteers[jobId];
        uint256[] memory weights = new uint256[](volunteers.length);
        for (uint256 i = 0; i < volunteers.length; i++) weights[i] = $.volunteerWeight[jobId][volunteers[i]];
        bytes32 seed = keccak256(abi.encode("fedai-draw-workers/1", block.chainid, jobId, beacon));
        return StakeDraw.draw(seed, volunteers, weights, job.post.workers);
    }

    /// Unlocks the stake of volunteers without a slot.
    function _releaseVolunteers(JobStorage.Layout storage $, uint256 jobId, Job storage job) private {
        address[] memory volunteers = $.volunteers[jobId];
        for (uint256 i = 0; i < volunteers.length; i++) {
            if ($.slotOf[jobId][volunteers[i]] == 0) $.staking.unlock(volunteers[i], job.post.workerStake);
        }
    }

    function _roundDigest(uint256 jobId, uint32 round, RoundClaim calldata claim, bytes32 domainSeparator)
        private
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                ROUND_CLAIM_TYPEHASH,
                jobId,
                round,
                claim.stateRoot,
                keccak256(claim.stateCid),
                claim.contributors,
                claim.loss
            )
        );
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }

    function _requireMajority(
        JobStorage.Layout storage $,
        uint256 jobId,
        bytes32 digest,
        bytes[] calldata signatures,
        uint256 slots
    ) private view {
        uint256 count = signatures.length;
        if (count * 2 <= slots || count > slots) revert IJobManager.JobManagerNoMajority(jobId, count, slots);
        uint256 signed = 0;
        for (uint256 i = 0; i < count; i++) {
            address signer = ECDSA.recover(digest, signatures[i]);
            uint256 slotPlusOne = $.slotOf[jobId][signer];
            if (slotPlusOne == 0) revert IJobManager.JobManagerNotWorker(jobId, signer);
            uint256 bit = 1 << (slotPlusOne - 1);
            if (signed & bit != 0) revert IJobManager.JobManagerDuplicateSigner(jobId, signer);
            signed |= bit;
        }
    }
}
