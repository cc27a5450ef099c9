// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Audit, OpenCase} from "../../../contracts/interfaces/CourtTypes.sol";
import {
    Deadlines, Evaluation, Job, JobPost, JobState, Phase, ResultClaim, RoundClaim, Score, TraceClaim
} from "../../../contracts/interfaces/JobTypes.sol";
import {RankedTrace, WorkDrawing} from "../../../contracts/interfaces/WorkTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {Market} from "./Market.sol";
import {Sha256Tree} from "./Sha256Tree.sol";
import {vm} from "./Vm.sol";

/// A market whose parties act at random: mostly what the job's state asks for, sometimes not, sometimes too late.
abstract contract JobWalk is Market {
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    bytes32 private constant ROUND_CLAIM_TYPEHASH = keccak256(
        "RoundClaim(uint256 jobId,uint32 round,bytes32 stateRoot,bytes stateCid,uint256 contributors,int64 loss)"
    );
    bytes32 private constant SCORE_TYPEHASH = keccak256(
        "Score(uint256 jobId,uint32 correct,uint32 total,bytes32 outputsRoot,bytes32 modelHash,uint8 verdict)"
    );

    mapping(uint256 jobId => mapping(address evaluator => uint256)) private _opinions;
    mapping(uint256 traceId => mapping(address auditor => bytes32[])) private _digests;

    /// One action of one party, with time passing.
    function _step() internal {
        _pass(_random(50) == 0 ? 20 : _random(5) / 4);
        uint256 count = jobs.jobCount();
        if (count == 0 || _random(80) == 0) return _post();
        uint256 jobId = count - _random(count < 2 ? count : 2);
        if (_random(30) == 0) return _meddle(jobId);
        if (_random(4) == 0 && work.traceCount() > 0) return _audit();
        Job memory job = jobs.job(jobId);
        if (job.state == JobState.Open) _inOpen(jobId, job);
        else if (job.state == JobState.Training) _inTraining(jobId, job);
        else if (job.state == JobState.Evaluating) _inEvaluating(jobId, job);
        else if (_random(3) == 0) _withdraw();
        else _post();
    }

    function _pass(uint256 blocks) private {
        for (uint256 i = 0; i < blocks; i++) {
            vm.roll(block.number + 1);
            vm.prevrandao(keccak256(abi.encode(_random(type(uint256).max))));
            beacons.record();
            vm.coinbase(accounts[accounts.length - 1 - _random(3)]);
            vm.prank(SYSTEM);
            work.onBlock();
            if (_random(4) == 0) _verdict();
            vm.prank(SYSTEM);
            court.onBlock();
            if (_random(2) == 0) _openWork();
        }
    }

    /// A rank of the present draw, now and then wrongly.
    function _openWork() private {
        WorkDrawing memory drawing = work.drawOf(work.openHeight());
        if (drawing.ranks.length == 0) return;
        uint8 rank = uint8(_random(drawing.ranks.length));
        RankedTrace memory drawn = drawing.ranks[rank];
        uint32 segment = _random(8) == 0 ? drawn.segment + 1 : drawn.segment;
        address opener = accounts[_random(accounts.length)];
        vm.prank(SYSTEM);
        try work.onBlock(
            drawing.height,
            rank,
            drawn.trace.jobId,
            drawn.trace.worker,
            drawn.trace.root,
            segment,
            drawing.totalWeight,
            opener
        ) {
            require(segment == drawn.segment && drawn.opener == address(0), "a wrong opening was taken");
        } catch {
            require(segment != drawn.segment || drawn.opener != address(0), "an opening was refused");
        }
    }

    /// A verdict on one of the open cases.
    function _verdict() private {
        OpenCase[] memory open = court.openCases();
        if (open.length == 0) return;
        OpenCase memory chosen = open[_random(open.length)];
        if (block.number > chosen.deadline) return;
        vm.prank(SYSTEM);
        court.onBlock(chosen.caseId, _random(2) == 0, _digest(), chosen.traceRoot, chosen.segment);
    }

    /// Two auditors in three find the same.
    function _digest() private returns (bytes32) {
        return _random(3) == 0 ? bytes32("another digest") : bytes32("digest");
    }

    /// Something that an auditor, or anyone, does about one of the latest traces.
    function _audit() private {
        uint256 count = work.traceCount();
        uint256 traceId = count - 1 - _random(count < 6 ? count : 6);
        Audit memory audit = court.auditOf(traceId);
        address anyone = accounts[_random(accounts.length)];
        uint256 which = _random(10);
        if (which == 0) return _challenge(traceId, audit);
        if (which == 1) return _withdrawBond();
        if (audit.auditors.length == 0) {
            if (block.number <= audit.drawFrom && _random(3) == 0) _pass(audit.drawFrom + 1 - block.number);
            return _tryCourt(anyone, abi.encodeCall(court.drawAuditors, (traceId)));
        }
        if (which < 4) return _tryCourt(anyone, abi.encodeCall(court.settleAudit, (traceId)));
        for (uint256 i = 0; i < audit.auditors.length; i++) {
            if (_random(8) > 0) _answer(traceId, audit, i);
        }
    }

    function _answer(uint256 traceId, Audit memory audit, uint256 index) private {
        address auditor = audit.auditors[index].account;
        bytes32[] memory digests = _digests[traceId][auditor];
        if (audit.auditors[index].commitment == 0) {
            digests = new bytes32[](_random(8) == 0 ? 0 : audit.segments.length);
            for (uint256 i = 0; i < digests.length; i++) digests[i] = _digest();
            _digests[traceId][auditor] = digests;
            bytes32 hash = keccak256(abi.encodePacked(digests));
            bytes32 commitment = keccak256(abi.encode(traceId, auditor, hash, bytes32("salt")));
            return _tryCourt(auditor, abi.encodeCall(court.commitAudit, (traceId, commitment)));
        }
        _tryCourt(auditor, abi.encodeCall(court.revealAudit, (traceId, digests, "salt")));
    }

    /// By anyone in any segment, or by an auditor in one that it has executed, who is heard in a busy court too.
    function _challenge(uint256 traceId, Audit memory audit) private {
        uint32 segment = uint32(_random(3));
        address challenger = client;
        if (audit.auditors.length > 0 && _random(2) == 0) {
            challenger = audit.auditors[_random(audit.auditors.length)].account;
            segment = audit.segments[_random(audit.segments.length)];
            vm.deal(challenger, BOND);
        }
        vm.prank(challenger);
        try court.challenge{value: BOND}(traceId, segment) {
            bondsPut += BOND;
        } catch {}
    }

    function _withdrawBond() private {
        vm.prank(accounts[_random(accounts.length)]);
        try court.withdraw() returns (uint256 amount) {
            courtPaid += amount;
        } catch {}
    }

    /// Calls as `sender`; a refusal is as good as an answer.
    function _try(address sender, bytes memory data) private {
        vm.prank(sender);
        (bool done,) = address(jobs).call(data);
        done;
    }

    function _tryCourt(address sender, bytes memory data) private {
        vm.prank(sender);
        (bool done,) = address(court).call(data);
        done;
    }

    function _meddle(uint256 jobId) private {
        address sender = accounts[_random(accounts.length)];
        uint256 which = _random(5);
        if (which == 0) _try(sender, abi.encodeCall(jobs.expireJob, (jobId)));
        if (which == 1) _try(sender, abi.encodeCall(jobs.completeJob, (jobId)));
        if (which == 2) _try(client, abi.encodeCall(jobs.cancelJob, (jobId)));
        if (which == 4) _try(sender, abi.encodeCall(jobs.voidTrace, (jobId, 0, 0)));
        if (which == 3) _try(sender, abi.encodeCall(jobs.drawEvaluators, (jobId)));
    }

    function _withdraw() private {
        address account = accounts[_random(accounts.length)];
        if (_random(2) == 0) return _try(account, abi.encodeCall(jobs.withdraw, ()));
        vm.prank(account);
        try work.withdraw() returns (uint256 amount) {
            workPaid += amount;
        } catch {}
    }

    function _post() private {
        JobPost memory post;
        post.documentCid = "document";
        post.documentHash = "document";
        post.workers = uint8(1 + _random(3));
        post.evaluators = _random(4) == 0 ? 5 : 3;
        post.rounds = uint32(1 + _random(4));
        post.mode = 1;
        post.testKeyCommitment = sha256(abi.encodePacked(TEST_KEY));
        post.deadlines = Deadlines(10, 24, 24, 48, 48, 48);
        post.segments = uint32(1 + _random(3));
        post.provable = _random(4) > 0;
        post.fullAudit = post.provable && _random(3) == 0;
        uint256 reward = 1 + _random(40 ether);
        uint256 auditsBps = Settlement.auditorsBps(_parameters(), post.provable, post.fullAudit, post.segments);
        uint256 pay = Settlement.workersPool(reward, _parameters(), auditsBps) / post.workers + 1;
        post.workerStake = 1 ether + _random(1 ether) + court.lockFor(pay, post.fullAudit);
        vm.prank(client);
        jobs.postJob{value: reward}(post);
    }

    function _inOpen(uint256 jobId, Job memory job) private {
        if (block.number <= job.deadline) {
            _try(accounts[1 + _random(WORKERS)], abi.encodeCall(jobs.assignWorker, (jobId)));
        } else {
            _pass(2);
            _try(client, abi.encodeCall(jobs.closeAssignment, (jobId)));
        }
    }

    function _inTraining(uint256 jobId, Job memory job) private {
        address[] memory slots = jobs.workersOf(jobId);
        if (block.number > job.deadline) return _try(client, abi.encodeCall(jobs.expireJob, (jobId)));
        if (_random(5) < 2) return _commitTrace(jobId, job, slots);
        if (job.roundsFixed < job.post.rounds) return _commitRound(jobId, job, slots);
        ResultClaim memory result = ResultClaim("weights", "optimiser", 7, "model", 0);
        _try(slots[_random(slots.length)], abi.encodeCall(jobs.submitResult, (jobId, result)));
    }

    /// Of the round under way or the one before, by anyone of the workers, whether it has committed before or not.
    function _commitTrace(uint256 jobId, Job memory job, address[] memory slots) private {
        uint32 round = job.roundsFixed - (job.roundsFixed == 0 ? 0 : uint32(_random(2)));
        bytes32[] memory states = new bytes32[](job.post.segments + 1);
        for (uint256 i = 0; i < states.length; i++) states[i] = bytes32(_random(type(uint256).max));
        if (round > 0) states[0] = jobs.roundOf(jobId, round - 1).stateRoot;
        bytes32[] memory leaves = new bytes32[](states.length);
        for (uint256 i = 0; i < states.length; i++) leaves[i] = Sha256Tree.leaf(states[i]);
        uint256 last = states.length - 1;
        TraceClaim memory claim = TraceClaim(
            Sha256Tree.root(leaves), states[0], Sha256Tree.path(leaves, 0), states[last], Sha256Tree.path(leaves, last)
        );
        _try(slots[_random(slots.length)], abi.encodeCall(jobs.commitTrace, (jobId, round, claim)));
    }

    function _commitRound(uint256 jobId, Job memory job, address[] memory slots) private {
        RoundClaim memory claim;
        claim.stateRoot = sha256(abi.encodePacked("fedai-state/1", bytes32("weights"), bytes32("optimiser"), uint64(7)));
        claim.stateCid = "state";
        claim.contributors = 1 + _random((1 << slots.length) - 1);
        bytes32 digest = _typedData(
            keccak256(
                abi.encode(
                    ROUND_CLAIM_TYPEHASH,
                    jobId,
                    job.roundsFixed,
                    claim.stateRoot,
                    keccak256(claim.stateCid),
                    claim.contributors,
                    claim.loss
                )
            )
        );
        bytes[] memory signatures = new bytes[](slots.length / 2 + 1);
        for (uint256 i = 0; i < signatures.length; i++) signatures[i] = _sign(slots[i], digest);
        _try(slots[0], abi.encodeCall(jobs.commitRound, (jobId, job.roundsFixed, claim, signatures)));
    }

    function _inEvaluating(uint256 jobId, Job memory job) private {
        if (_random(10) == 0) return _commitTrace(jobId, job, jobs.workersOf(jobId));
        if (job.phase == Phase.Draw) {
            if (_random(8) == 0) _pass(20);
            else _pass(2);
            if (block.number > job.deadline) return _try(client, abi.encodeCall(jobs.expireJob, (jobId)));
            return _try(client, abi.encodeCall(jobs.drawEvaluators, (jobId)));
        }
        address[] memory drawn = jobs.evaluatorsOf(jobId);
        address evaluator = drawn[_random(drawn.length)];
        if (job.phase == Phase.Reveal) return _reveal(jobId, job, evaluator);
        if (block.number > job.deadline) return _try(client, abi.encodeCall(jobs.expireJob, (jobId)));
        if (job.phase == Phase.Keys) {
            return _try(client, abi.encodeCall(jobs.deliverTestKey, (jobId, evaluator, "wrapped")));
        }
        if (jobs.evaluationOf(jobId, evaluator).commitment != 0) return;
        uint256 opinion = _random(6) == 0 ? _random(5) : jobId % 5;
        _opinions[jobId][evaluator] = opinion;
        bytes32 commitment = keccak256(abi.encode(jobId, evaluator, _score(job, opinion), bytes32("salt")));
        _try(evaluator, abi.encodeCall(jobs.commitScore, (jobId, commitment)));
    }

    function _reveal(uint256 jobId, Job memory job, address evaluator) private {
        if (_random(6) == 0) _try(client, abi.encodeCall(jobs.publishTestKey, (jobId, TEST_KEY)));
        if (_random(5) == 0) {
            if (_random(4) == 0) _pass(20);
            return _try(client, abi.encodeCall(jobs.completeJob, (jobId)));
        }
        Score memory score = _score(job, _opinions[jobId][evaluator]);
        bytes memory signature =
            _sign(evaluator, _typedData(keccak256(abi.encode(SCORE_TYPEHASH, jobId, score))));
        _try(evaluator, abi.encodeCall(jobs.revealScore, (jobId, score, "salt", signature)));
    }

    /// Opinions 0 to 2 are scores, 3 and 4 complaints of the key and of the set.
    function _score(Job memory job, uint256 opinion) private pure returns (Score memory score) {
        score.modelHash = job.modelHash;
        if (opinion > 2) score.verdict = uint8(opinion - 1);
        else score = Score(uint32(opinion), 2, "outputs", job.modelHash, 1);
    }

    function _typedData(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("fedai"),
                keccak256("1"),
                block.chainid,
                address(jobs)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function _sign(address account, bytes32 digest) private returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[account], digest);
        return abi.encodePacked(r, s, v);
    }
}
