// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IJobManager} from "../interfaces/IJobManager.sol";
import {Evaluation, Exit, Job, JobState, Phase, Score, Verdict} from "../interfaces/JobTypes.sol";
import {JobSettlement} from "./JobSettlement.sol";
import {JobStorage} from "./JobStorage.sol";
import {StakeDraw} from "./StakeDraw.sol";

/// @title Evaluating
/// @notice From the draw of evaluators to their agreement, with one redraw. Runs in JobManager's storage.
library JobEvaluation {
    using JobStorage for JobStorage.Layout;

    uint8 private constant MAX_ATTEMPTS = 2;
    bytes32 private constant SCORE_TYPEHASH = keccak256(
        "Score(uint256 jobId,uint32 correct,uint32 total,bytes32 outputsRoot,bytes32 modelHash,uint8 verdict)"
    );

    function drawEvaluators(JobStorage.Layout storage $, uint256 jobId) external {
        Job storage job = $.requireState(jobId, JobState.Evaluating);
        _requirePhase(jobId, job.phase, Phase.Draw);
        JobStorage.requireNotPast(jobId, job.deadline);
        bytes32 beacon = $.drawBeacon(jobId, job);
        uint256 count = job.post.evaluators;
        // Those that could not agree are drawn again only where there are not enough others.
        (address[] memory pool, uint256[] memory weights) = _pool($, jobId, job, true);
        if (pool.length <= count && job.attempt > 0) (pool, weights) = _pool($, jobId, job, false);
        if (pool.length <= count) revert IJobManager.JobManagerPoolTooSmall(jobId, pool.length, count + 1);
        uint8 attempt = ++job.attempt;
        bytes32 seed = keccak256(abi.encode("fedai-draw-evaluators/1", block.chainid, jobId, attempt, beacon));
        address[] memory drawn = StakeDraw.draw(seed, pool, weights, count);
        $.evaluators[jobId] = drawn;
        delete $.tallies[jobId];
        job.phase = Phase.Keys;
        job.deadline = uint64(block.number) + job.post.deadlines.keyBlocks;
        emit IJobManager.EvaluatorsDrawn(jobId, drawn, attempt);
        for (uint256 i = 0; i < count; i++) {
            $.drawnIn[jobId][drawn[i]] = attempt;
            $.staking.lock(drawn[i], job.parameters.minEvaluatorStake);
        }
    }

    function deliverTestKey(JobStorage.Layout storage $, uint256 jobId, address evaluator, bytes calldata wrapped)
        external
    {
        Job storage job = $.requireState(jobId, JobState.Evaluating);
        if (msg.sender != job.client) revert IJobManager.JobManagerNotClient(jobId, msg.sender);
        _requirePhase(jobId, job.phase, Phase.Keys);
        JobStorage.requireNotPast(jobId, job.deadline);
        JobStorage.requireLength("wrapped", wrapped.length, JobStorage.MAX_WRAPPED_BYTES);
        Evaluation storage evaluation = _evaluation($, jobId, job, evaluator);
        if (evaluation.keyDelivered) revert IJobManager.JobManagerKeyAlreadyDelivered(jobId, evaluator);
        evaluation.keyDelivered = true;
        if (++$.tallies[jobId].keys == job.post.evaluators) {
            job.phase = Phase.Commit;
            job.deadline = uint64(block.number) + job.post.deadlines.commitBlocks;
        }
        emit IJobManager.TestKeyDelivered(jobId, evaluator, wrapped);
    }

    /// @dev An evaluator need not wait for the others' keys.
    function commitScore(JobStorage.Layout storage $, uint256 jobId, bytes32 commitment) external {
        Job storage job = $.requireState(jobId, JobState.Evaluating);
        (Phase phase, uint64 deadline) = JobStorage.phaseOf(job);
        if (phase != Phase.Keys) _requirePhase(jobId, phase, Phase.Commit);
        JobStorage.requireNotPast(jobId, deadline);
        Evaluation storage evaluation = _evaluation($, jobId, job, msg.sender);
        if (!evaluation.keyDelivered) revert IJobManager.JobManagerKeyMissing(jobId, msg.sender);
        if (evaluation.commitment != 0) revert IJobManager.JobManagerAlreadyCommitted(jobId, msg.sender);
        if (commitment == 0) revert IJobManager.JobManagerCommitmentMismatch(jobId, commitment, commitment);
        evaluation.commitment = commitment;
        if (++$.tallies[jobId].commits == job.post.evaluators) {
            job.phase = Phase.Reveal;
            job.deadline = uint64(block.number) + job.post.deadlines.revealBlocks;
        }
        emit IJobManager.ScoreCommitted(jobId, msg.sender, commitment);
    }

    function revealScore(
        JobStorage.Layout storage $,
        uint256 jobId,
        Score calldata score,
        bytes32 salt,
        bytes calldata signature,
        bytes32 domainSeparator
    ) external {
        Job storage job = $.requireState(jobId, JobState.Evaluating);
        (Phase phase, uint64 deadline) = JobStorage.phaseOf(job);
        _requirePhase(jobId, phase, Phase.Reveal);
        JobStorage.requireNotPast(jobId, deadline);
        Evaluation storage evaluation = _evaluation($, jobId, job, msg.sender);
        if (evaluation.revealed) revert IJobManager.JobManagerAlreadyRevealed(jobId, msg.sender);
        bytes32 commitment = keccak256(abi.encode(jobId, msg.sender, score, salt));
        if (commitment != evaluation.commitment) {
            revert IJobManager.JobManagerCommitmentMismatch(jobId, commitment, evaluation.commitment);
        }
        if (!_isWellFormed(score, job.modelHash)) revert IJobManager.JobManagerBadScore(jobId);
        address signer = ECDSA.recover(_scoreDigest(jobId, score, domainSeparator), signature);
        if (signer != msg.sender) revert IJobManager.JobManagerWrongSigner(jobId, signer, msg.sender);
        evaluation.revealed = true;
        evaluation.score = score;
        $.tallies[jobId].reveals += 1;
        emit IJobManager.ScoreRevealed(jobId, msg.sender, score, signature);
    }

    function publishTestKey(JobStorage.Layout storage $, uint256 jobId, bytes32 key) external {
        Job storage job = $.jobs[jobId];
        if (job.state == JobState.None) revert IJobManager.JobManagerUnknownJob(jobId);
        // No score can be committed any more: revealing has begun, or the job is settled.
        if (job.state < JobState.Completed) {
            (Phase phase,) = JobStorage.phaseOf(job);
            _requirePhase(jobId, phase, Phase.Reveal);
        }
        if (job.testKey != 0) revert IJobManager.JobManagerKeyAlreadyDelivered(jobId, address(0));
        bytes32 commitment = sha256(abi.encodePacked(key));
        if (commitment != job.post.testKeyCommitment) {
            revert IJobManager.JobManagerKeyMismatch(jobId, commitment, job.post.testKeyCommitment);
        }
        job.testKey = key;
        emit IJobManager.TestKeyPublished(jobId, key);
    }

    function completeJob(JobStorage.Layout storage $, uint256 jobId) public {
        Job storage job = $.requireState(jobId, JobState.Evaluating);
        (Phase phase, uint64 deadline) = JobStorage.phaseOf(job);
        _requirePhase(jobId, phase, Phase.Reveal);
        JobStorage.Tally memory tally = $.tallies[jobId];
        if (tally.reveals < tally.commits && block.number <= deadline) {
            revert IJobManager.JobManagerTooEarly(jobId, uint256(deadline) + 1);
        }
        (address[] memory agreeing, Score memory agreed) = _agreement($, jobId, job);
        bool quorum = agreeing.length * 3 >= uint256(job.post.evaluators) * 2;
        _closeEvaluators($, jobId, job, quorum, keccak256(abi.encode(agreed)));
        if (quorum) return _settleAgreed($, jobId, job, agreeing, agreed);
        if (job.attempt < MAX_ATTEMPTS) return _openRedraw(jobId, job);
        bool present = uint256(tally.reveals) * 3 >= uint256(job.post.evaluators) * 2;
        JobSettlement.settle($, jobId, JobState.Failed, present ? Exit.NoAgreement : Exit.EvaluatorsAbsent);
    }

    /// @notice Exits of Evaluating.
    function expire(JobStorage.Layout storage $, uint256 jobId) external {
        Job storage job = $.jobs[jobId];
        (Phase phase, uint64 deadline) = JobStorage.phaseOf(job);
        if (phase == Phase.Reveal) return completeJob($, jobId);
        if (block.number <= deadline) revert IJobManager.JobManagerTooEarly(jobId, uint256(deadline) + 1);
        if (phase == Phase.Draw) return JobSettlement.settle($, jobId, JobState.Failed, Exit.EvaluatorsAbsent);
        // Keys: the client did not hand out every key, so no evaluator is to blame.
        address[] memory evaluators = $.evaluators[jobId];
        for (uint256 i = 0; i < evaluators.length; i++) {
            JobSettlement.release($, evaluators[i], job.parameters.minEvaluatorStake, 0, "");
        }
        JobSettlement.settle($, jobId, JobState.Failed, Exit.TestKeyAbsent);
    }

    function _requirePhase(uint256 jobId, Phase got, Phase expected) private pure {
        if (got != expected) revert IJobManager.JobManagerWrongPhase(jobId, got, expected);
    }

    function _evaluation(JobStorage.Layout storage $, uint256 jobId, Job storage job, address evaluator)
        private
        view
        returns (Evaluation storage)
    {
        uint8 attempt = job.attempt;
        if (attempt == 0 || $.drawnIn[jobId][evaluator] != attempt) {
            revert IJobManager.JobManagerNotEvaluator(jobId, evaluator);
        }
        return $.evaluations[jobId][attempt][evaluator];
    }

    /// Evaluators of before the draw's beacon, with enough stake then and now, that have no other part in the job; when
    /// `fresh`, without those that an earlier draw chose.
    function _pool(JobStorage.Layout storage $, uint256 jobId, Job storage job, bool fresh)
        private
        view
        returns (address[] memory pool, uint256[] memory weights)
    {
        uint256 eventHeight = job.drawHeight - job.parameters.drawDelayBlocks;
        uint256 minimum = job.parameters.minEvaluatorStake;
        pool = $.registry.evaluatorsSince(eventHeight);
        weights = new uint256[](pool.length);
        uint256 count = 0;
        for (uint256 i = 0; i < pool.length; i++) {
            address account = pool[i];
            if (account == job.client || $.slotOf[jobId][account] != 0) continue;
            if (fresh && $.drawnIn[jobId][account] != 0) continue;
            uint256 stake = $.staking.pastStakeOf(account, eventHeight);
            if (stake < minimum || $.staking.freeStakeOf(account) < minimum) continue;
            pool[count] = account;
            weights[count++] = stake;
        }
        assembly ("memory-safe") {
            mstore(pool, count)
            mstore(weights, count)
        }
    }

    /// A score is of this job's model; a complaint carries no figures, so that complaints can agree.
    function _isWellFormed(Score calldata score, bytes32 modelHash) private pure returns (bool) {
        if (score.modelHash != modelHash) return false;
        if (score.verdict == uint8(Verdict.Score)) return score.total > 0 && score.correct <= score.total;
        bool complaint = score.verdict == uint8(Verdict.BadKey) || score.verdict == uint8(Verdict.BadSet);
        return complaint && score.correct == 0 && score.total == 0 && score.outputsRoot == 0;
    }

    function _scoreDigest(uint256 jobId, Score calldata score, bytes32 domainSeparator) private pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator, keccak256(abi.encode(SCORE_TYPEHASH, jobId, score)));
    }

    /// The largest group of equal scores, in draw order; empty when nobody revealed.
    function _agreement(JobStorage.Layout storage $, uint256 jobId, Job storage job)
        private
        view
        returns (address[] memory agreeing, Score memory agreed)
    {
        address[] memory evaluators = $.evaluators[jobId];
        bytes32[] memory hashes = new bytes32[](evaluators.length);
        for (uint256 i = 0; i < evaluators.length; i++) {
            Evaluation storage evaluation = $.evaluations[jobId][job.attempt][evaluators[i]];
            if (evaluation.revealed) hashes[i] = keccak256(abi.encode(evaluation.score));
        }
        uint256 most = 0;
        uint256 leader = 0;
        for (uint256 i = 0; i < hashes.length; i++) {
            uint256 same = _countOf(hashes, hashes[i]);
            if (hashes[i] != 0 && same > most) (most, leader) = (same, i);
        }
        agreeing = new address[](most);
        if (most == 0) return (agreeing, agreed);
        agreed = $.evaluations[jobId][job.attempt][evaluators[leader]].score;
        uint256 count = 0;
        for (uint256 i = 0; i < hashes.length; i++) {
            if (hashes[i] == hashes[leader]) agreeing[count++] = evaluators[i];
        }
    }

    function _countOf(bytes32[] memory hashes, bytes32 wanted) private pure returns (uint256 count) {
        for (uint256 i = 0; i < hashes.length; i++) if (hashes[i] == wanted) count++;
    }

    /// Frees all stake; absentees are slashed, and outliers too where there is an agreement to lie outside of.
    function _closeEvaluators(
        JobStorage.Layout storage $,
        uint256 jobId,
        Job storage job,
        bool quorum,
        bytes32 agreedHash
    ) private {
        address[] memory evaluators = $.evaluators[jobId];
        uint256 locked = job.parameters.minEvaluatorStake;
        for (uint256 i = 0; i < evaluators.length; i++) {
            Evaluation storage evaluation = $.evaluations[jobId][job.attempt][evaluators[i]];
            bool absent = !evaluation.revealed;
            bool outlier = !absent && quorum && keccak256(abi.encode(evaluation.score)) != agreedHash;
            uint256 slashBps = absent || outlier ? job.parameters.evaluatorSlashBps : 0;
            JobSettlement.release($, evaluators[i], locked, slashBps, absent ? bytes32("absent") : bytes32("outlier"));
            if (absent || quorum) $.registry.recordScore(evaluators[i], !absent && !outlier);
        }
    }

    function _settleAgreed(
        JobStorage.Layout storage $,
        uint256 jobId,
        Job storage job,
        address[] memory agreeing,
        Score memory agreed
    ) private {
        job.agreed = agreed;
        $.agreeing[jobId] = agreeing;
        if (agreed.verdict == uint8(Verdict.Score)) {
            emit IJobManager.JobCompleted(jobId, agreed);
            JobSettlement.settle($, jobId, JobState.Completed, Exit.None);
        } else {
            Exit exit = agreed.verdict == uint8(Verdict.BadKey) ? Exit.TestKeyAbsent : Exit.BadTestSet;
            JobSettlement.settle($, jobId, JobState.Failed, exit);
        }
    }

    function _openRedraw(uint256 jobId, Job storage job) private {
        job.phase = Phase.Draw;
        job.drawHeight = uint64(block.number) + job.parameters.drawDelayBlocks;
        job.deadline = job.drawHeight + job.post.deadlines.keyBlocks;
        emit IJobManager.RedrawOpened(jobId, job.drawHeight);
    }
}
