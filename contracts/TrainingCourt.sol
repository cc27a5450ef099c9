// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {CourtCases} from "./CourtCases.sol";
import {Audit, AuditState, Auditor, Case, CaseState, CourtParameters} from "./interfaces/CourtTypes.sol";
import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";
import {IJobManager} from "./interfaces/IJobManager.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {ITrainingCourt} from "./interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "./interfaces/IUsefulWork.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";
import {Fate, Trace} from "./interfaces/WorkTypes.sol";
import {AuditRules} from "./libraries/AuditRules.sol";
import {StakeDraw} from "./libraries/StakeDraw.sol";

/// @title Audits of traces, and the court that decides about them
/// @dev Cases are CourtCases'; here is what auditors do, from their draw to their pay.
contract TrainingCourt is CourtCases {
    constructor(
        address owner_,
        IJobManager jobs,
        IUsefulWork work,
        IStaking staking,
        IWorkerRegistry registry,
        IBeaconHistory beacons,
        CourtParameters memory value
    ) CourtCases(owner_, jobs, work, staking, registry, beacons, value) {}

    /// @inheritdoc ITrainingCourt
    function drawAuditors(uint256 traceId) external nonReentrant {
        Record storage audit = _known(traceId);
        if (audit.state != AuditState.None) revert CourtWrongState(traceId, uint8(audit.state));
        if (block.number <= audit.drawFrom) revert CourtTooEarly(traceId, uint256(audit.drawFrom) + 1);
        if (block.number > _drawUntil(audit)) revert CourtDeadlinePassed(traceId, _drawUntil(audit));
        (bool selected, uint32[] memory segments) = selectionOf(traceId);
        if (!selected) revert CourtNotSelected(traceId);
        CourtParameters memory terms = _terms();
        address[] memory drawn = _drawnAuditors(traceId, audit, terms);
        audit.state = AuditState.Drawn;
        audit.lock = terms.auditLock;
        audit.segments = segments;
        audit.fee = _setAside(audit, terms.rateBps);
        for (uint256 i = 0; i < drawn.length; i++) {
            audit.auditors.push().account = drawn[i];
            STAKING.lock(drawn[i], terms.auditLock);
        }
        emit AuditorsDrawn(traceId, drawn, segments, audit.fee);
    }

    /// @inheritdoc ITrainingCourt
    function commitAudit(uint256 traceId, bytes32 commitment) external {
        Record storage audit = _inState(traceId, AuditState.Drawn);
        if (block.number > _commitUntil(audit)) revert CourtDeadlinePassed(traceId, _commitUntil(audit));
        Auditor storage auditor = _auditor(traceId, audit);
        if (auditor.commitment != 0) revert CourtAlreadyCommitted(traceId, msg.sender);
        if (commitment == 0) revert CourtCommitmentMismatch(traceId, commitment, commitment);
        auditor.commitment = commitment;
        emit AuditCommitted(traceId, msg.sender, commitment);
    }

    /// @inheritdoc ITrainingCourt
    function revealAudit(uint256 traceId, bytes32[] calldata digests, bytes32 salt) external {
        Record storage audit = _inState(traceId, AuditState.Drawn);
        (uint256 committed,) = _progress(audit);
        if (committed < audit.auditors.length && block.number <= _commitUntil(audit)) {
            revert CourtTooEarly(traceId, _commitUntil(audit) + 1);
        }
        if (block.number > _revealUntil(audit)) revert CourtDeadlinePassed(traceId, _revealUntil(audit));
        Auditor storage auditor = _auditor(traceId, audit);
        if (auditor.revealed) revert CourtAlreadyRevealed(traceId, msg.sender);
        bytes32 commitment =
            keccak256(abi.encode(traceId, msg.sender, keccak256(abi.encodePacked(digests)), salt));
        if (commitment != auditor.commitment) {
            revert CourtCommitmentMismatch(traceId, commitment, auditor.commitment);
        }
        uint256 expected = audit.segments.length;
        if (digests.length != 0 && digests.length != expected) {
            revert CourtBadDigests(traceId, digests.length, expected);
        }
        (auditor.revealed, auditor.digests) = (true, digests);
        emit AuditRevealed(traceId, msg.sender, digests);
    }

    /// @inheritdoc ITrainingCourt
    function settleAudit(uint256 traceId) external nonReentrant {
        Record storage audit = _known(traceId);
        if (audit.state == AuditState.None) return _abandon(traceId, audit);
        if (audit.state == AuditState.Disputed) {
            CaseState state = _cases[audit.dispute].state;
            if (state == CaseState.Open || state == CaseState.Waiting) revert CourtCaseOpen(traceId, audit.dispute);
            bool heard = state != CaseState.Dropped;
            return _finish(traceId, audit, heard ? AuditState.Judged : AuditState.Unanswered);
        }
        if (audit.state != AuditState.Drawn) revert CourtWrongState(traceId, uint8(audit.state));
        _requireAnswered(traceId, audit);
        (uint256 revealed, bool disputed, uint256 place) = AuditRules.compare(audit.auditors);
        if (revealed == 0) return _finish(traceId, audit, AuditState.Unanswered);
        if (!disputed) return _finish(traceId, audit, AuditState.Accepted);
        if (_traceOf(traceId).fate == Fate.Faulty || block.number > _challengeUntil(audit)) {
            return _finish(traceId, audit, AuditState.Unanswered);
        }
        audit.dispute = _openCase(traceId, audit, audit.segments[place], address(0), true);
        audit.state = AuditState.Disputed;
        emit AuditSettled(traceId, uint8(AuditState.Disputed));
    }

    /// @inheritdoc ITrainingCourt
    function selectionOf(uint256 traceId) public view returns (bool selected, uint32[] memory segments) {
        Record storage audit = _known(traceId);
        bytes32 beacon = BEACONS.beaconAt(audit.drawFrom);
        uint256 count = _traceOf(traceId).segments;
        if (audit.fullAudit) return (true, AuditRules.allSegments(count));
        selected = AuditRules.isSelected(beacon, traceId, _parameters.rateBps);
        segments = AuditRules.segmentsOf(beacon, traceId, count, _parameters.segmentsPerAudit);
    }

    /// @inheritdoc ITrainingCourt
    function auditOf(uint256 traceId) external view returns (Audit memory view_) {
        Record storage audit = _records[traceId];
        if (audit.drawFrom == 0) return view_;
        (view_.state, view_.recorded, view_.fullAudit) = (audit.state, true, audit.fullAudit);
        (view_.value, view_.fee, view_.lock) = (audit.value, audit.fee, audit.lock);
        (view_.drawFrom, view_.drawUntil) = (audit.drawFrom, uint64(_drawUntil(audit)));
        (view_.commitUntil, view_.revealUntil) = (uint64(_commitUntil(audit)), uint64(_revealUntil(audit)));
        (view_.challengeUntil, view_.caseId) = (uint64(_challengeUntil(audit)), audit.caseId);
        (view_.segments, view_.auditors) = (audit.segments, audit.auditors);
    }

    /// @inheritdoc ITrainingCourt
    function lockFor(uint256 pay, bool fullAudit) external view returns (uint256) {
        CourtParameters memory terms = _terms();
        return AuditRules.lockFor(pay, fullAudit ? BPS : terms.rateBps, terms);
    }

    /// Evaluators of before the trace, with enough stake then and now, that have no part in the job; fewer where there are fewer.
    function _drawnAuditors(uint256 traceId, Record storage audit, CourtParameters memory terms)
        private
        view
        returns (address[] memory)
    {
        Trace memory trace = _traceOf(traceId);
        address[] memory candidates = REGISTRY.evaluatorsSince(trace.height);
        uint256[] memory weights = new uint256[](candidates.length);
        uint256 count = 0;
        for (uint256 i = 0; i < candidates.length; i++) {
            address account = candidates[i];
            if (JOBS.isPartOf(trace.jobId, account)) continue;
            uint256 stake = STAKING.pastStakeOf(account, trace.height);
            if (stake < terms.auditLock || STAKING.freeStakeOf(account) < terms.auditLock) continue;
            candidates[count] = account;
            weights[count++] = stake;
        }
        if (count == 0) revert CourtNoAuditors(traceId);
        assembly ("memory-safe") {
            mstore(candidates, count)
            mstore(weights, count)
        }
        bytes32 beacon = BEACONS.beaconAt(audit.drawFrom);
        bytes32 seed = keccak256(abi.encode("fedai-draw-auditors/1", block.chainid, traceId, beacon));
        return StakeDraw.draw(seed, candidates, weights, Math.min(count, terms.auditors));
    }

    /// The fee of an audit, in the mean over all traces what they have brought. Where the auditors' part is large beside what is
    /// burned, a job's own traces pay: whoever biases the draw of its own traces and auditors must not win what others paid in.
    function _setAside(Record storage audit, uint256 rateBps) private returns (uint128) {
        if (audit.fullAudit) return audit.value;
        uint256 potJob = audit.potJob;
        uint256 fee = Math.min(Math.mulDiv(audit.value, BPS, rateBps), potJob == 0 ? pool : _pots[potJob]);
        if (potJob == 0) {
            pool -= fee;
        } else {
            _pots[potJob] -= fee;
            pots -= fee;
        }
        held += fee;
        return SafeCast.toUint128(fee);
    }

    /// A full audit whose auditors nobody drew in time: what it was to cost pays for others.
    function _abandon(uint256 traceId, Record storage audit) private {
        if (!audit.fullAudit) revert CourtWrongState(traceId, uint8(audit.state));
        if (block.number <= _drawUntil(audit)) revert CourtTooEarly(traceId, _drawUntil(audit) + 1);
        audit.fee = audit.value;
        _finish(traceId, audit, AuditState.Unanswered);
    }

    function _requireAnswered(uint256 traceId, Record storage audit) private view {
        (uint256 committed, uint256 revealed) = _progress(audit);
        if (block.number > _revealUntil(audit)) return;
        if (committed < audit.auditors.length && block.number <= _commitUntil(audit)) {
            revert CourtTooEarly(traceId, _commitUntil(audit) + 1);
        }
        if (revealed < committed) revert CourtTooEarly(traceId, _revealUntil(audit) + 1);
    }

    /// Pays and frees the auditors.
    function _finish(uint256 traceId, Record storage audit, AuditState state) private {
        audit.state = state;
        uint256 left = audit.fee;
        uint256 count = audit.auditors.length;
        for (uint256 i = 0; i < count; i++) {
            Auditor storage auditor = audit.auditors[i];
            (bool right, uint256 slashBps) = _judged(audit, auditor, state);
            uint256 paid = right ? audit.fee / count : 0;
            left -= paid;
            withdrawable[auditor.account] += paid;
            uint256 slashed = Math.mulDiv(audit.lock, slashBps, BPS);
            emit AuditorSettled(traceId, auditor.account, paid, slashed);
            _release(auditor.account, audit.lock, slashed, auditor.revealed ? bytes32("wrong audit") : bytes32("no audit"));
        }
        held -= audit.fee;
        pool += left;
        emit AuditSettled(traceId, uint8(state));
    }

    /// An auditor to whom the worker showed nothing is not to blame: the worker has shown nothing to the court either.
    function _judged(Record storage audit, Auditor storage auditor, AuditState state)
        private
        view
        returns (bool right, uint256 slashBps)
    {
        Case storage decided = _cases[audit.dispute == 0 ? audit.caseId : audit.dispute];
        bool faulty = decided.state == CaseState.Upheld || decided.state == CaseState.Dropped;
        bool withheld = faulty && decided.digest == 0;
        if (!auditor.revealed) return (false, withheld ? 0 : _parameters.absentSlashBps);
        if (state == AuditState.Accepted) return (true, 0);
        if (state != AuditState.Judged || withheld) return (false, 0);
        if (auditor.digests.length == 0) return (false, _parameters.absentSlashBps);
        right = auditor.digests[_placeOf(audit, decided.segment)] == decided.digest;
        return (right, right ? 0 : _parameters.wrongSlashBps);
    }

    function _release(address account, uint256 locked, uint256 slashed, bytes32 reason) private {
        if (slashed > 0) {
            STAKING.slash(account, slashed, address(0), reason);
            REGISTRY.recordSlash(account, slashed);
        }
        STAKING.unlock(account, locked - slashed);
    }

    function _inState(uint256 traceId, AuditState state) private view returns (Record storage audit) {
        audit = _known(traceId);
        if (audit.state != state) revert CourtWrongState(traceId, uint8(audit.state));
    }

    function _auditor(uint256 traceId, Record storage audit) private view returns (Auditor storage) {
        for (uint256 i = 0; i < audit.auditors.length; i++) {
            if (audit.auditors[i].account == msg.sender) return audit.auditors[i];
        }
        revert CourtNotAuditor(traceId, msg.sender);
    }

    function _progress(Record storage audit) private view returns (uint256 committed, uint256 revealed) {
        for (uint256 i = 0; i < audit.auditors.length; i++) {
            if (audit.auditors[i].commitment != 0) committed++;
            if (audit.auditors[i].revealed) revealed++;
        }
    }
}
