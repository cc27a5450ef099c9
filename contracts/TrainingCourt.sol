// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {
    Audit, AuditState, Auditor, Case, CaseState, CourtParameters, OpenCase
} from "./interfaces/CourtTypes.sol";
import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";
import {IJobManager} from "./interfaces/IJobManager.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {ITrainingCourt} from "./interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "./interfaces/IUsefulWork.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";
import {Fate, Trace, WorkParameters} from "./interfaces/WorkTypes.sol";
import {AuditRules} from "./libraries/AuditRules.sol";
import {Burn} from "./libraries/Burn.sol";
import {StakeDraw} from "./libraries/StakeDraw.sol";

/// @title Audits of traces, and the court that decides about them
/// @dev What runs in `onBlock()` must not revert, and touches neither Staking nor Registry: stake moves in `settleAudit`.
contract TrainingCourt is ITrainingCourt, Ownable, ReentrancyGuardTransient {
    /// An audit's steps, packed so that a commitment writes one slot.
    struct Record {
        uint128 value;
        AuditState state;
        bool fullAudit;
        uint40 drawFrom; // zero: unknown to the court
        uint24 commitBlocks;
        uint24 revealBlocks;
        uint24 challengeBlocks; // after the last reveal
        uint128 fee;
        uint64 caseId; // the latest
        uint64 dispute; // the case that decides about the auditors
        uint128 lock;
        uint32[] segments;
        Auditor[] auditors;
    }

    /// Caller of the system calls of EIP-4788 and its like.
    address private constant SYSTEM_ADDRESS = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    /// Bounds the work of a block.
    uint256 private constant MAX_CLOSED = 4;
    uint256 private constant MAX_OPEN = 64;
    uint256 private constant MAX_AUDITORS = 8;
    uint256 private constant MAX_SEGMENTS = 16;
    /// Fits a record's 24 bits; months of blocks.
    uint256 private constant MAX_BLOCKS = 4_000_000;
    uint256 private constant BPS = 10_000;

    IJobManager private immutable JOBS;
    IUsefulWork private immutable WORK;
    IStaking private immutable STAKING;
    IWorkerRegistry private immutable REGISTRY;
    IBeaconHistory private immutable BEACONS;
    CourtParameters private _parameters;
    mapping(uint256 traceId => Record) private _records;
    /// Ids count from 1.
    mapping(uint256 caseId => Case) private _cases;
    uint64[] private _open;
    /// @inheritdoc ITrainingCourt
    uint256 public caseCount;
    /// @inheritdoc ITrainingCourt
    uint256 public pool;
    /// @inheritdoc ITrainingCourt
    uint256 public held;
    /// @inheritdoc ITrainingCourt
    uint256 public bonds;
    /// @inheritdoc ITrainingCourt
    uint256 public totalBurned;
    /// @inheritdoc ITrainingCourt
    mapping(address account => uint256) public withdrawable;

    constructor(
        address owner_,
        IJobManager jobs,
        IUsefulWork work,
        IStaking staking,
        IWorkerRegistry registry,
        IBeaconHistory beacons,
        CourtParameters memory value
    ) Ownable(owner_) {
        (JOBS, WORK, STAKING, REGISTRY, BEACONS) = (jobs, work, staking, registry, beacons);
        _setParameters(value);
    }

    modifier onlySystem() {
        if (msg.sender != SYSTEM_ADDRESS) revert CourtNotSystem(msg.sender);
        _;
    }

    /// @inheritdoc ITrainingCourt
    function record(uint256 traceId, bool fullAudit) external payable returns (uint64 clearAt) {
        if (msg.sender != address(JOBS)) revert CourtNotJobManager(msg.sender);
        CourtParameters memory terms = _parameters;
        WorkParameters memory work = WORK.parameters();
        Record storage audit = _records[traceId];
        (audit.value, audit.fullAudit) = (SafeCast.toUint128(msg.value), fullAudit);
        audit.drawFrom = SafeCast.toUint40(block.number + work.drawDelay);
        (audit.commitBlocks, audit.revealBlocks) = (uint24(terms.commitBlocks), uint24(terms.revealBlocks));
        audit.challengeBlocks = SafeCast.toUint24(2 * uint256(work.interval));
        if (fullAudit) held += msg.value;
        else pool += msg.value;
        // Cases of one block are closed a few at a time.
        uint256 closing = 2 + Math.ceilDiv(terms.maxOpen, MAX_CLOSED);
        return uint64(_challengeUntil(audit) + terms.courtBlocks + closing);
    }

    /// @inheritdoc ITrainingCourt
    function onBlock() external onlySystem {
        _closeExpired();
    }

    /// @inheritdoc ITrainingCourt
    function onBlock(uint64 caseId, bool guilty, bytes32 digest, bytes32 traceRoot, uint32 segment)
        external
        onlySystem
    {
        Case storage stored = _cases[caseId];
        if (stored.state != CaseState.Open || block.number > stored.deadline) revert CourtNotOpen(caseId);
        Trace memory trace = WORK.traceOf(stored.traceId);
        if (traceRoot != trace.root) revert CourtWrongVerdict(caseId, "traceRoot");
        if (segment != stored.segment) revert CourtWrongVerdict(caseId, "segment");
        if (digest == 0) revert CourtWrongVerdict(caseId, "digest");
        stored.digest = digest;
        if (guilty) _uphold(caseId, stored, _reporterOf(stored));
        else _dismiss(caseId, stored, trace.worker);
        _closeExpired();
    }

    /// @inheritdoc ITrainingCourt
    function drawAuditors(uint256 traceId) external nonReentrant {
        Record storage audit = _known(traceId);
        if (audit.state != AuditState.None) revert CourtWrongState(traceId, uint8(audit.state));
        if (block.number <= audit.drawFrom) revert CourtTooEarly(traceId, uint256(audit.drawFrom) + 1);
        if (block.number > _drawUntil(audit)) revert CourtDeadlinePassed(traceId, _drawUntil(audit));
        (bool selected, uint32[] memory segments) = selectionOf(traceId);
        if (!selected) revert CourtNotSelected(traceId);
        CourtParameters memory terms = _parameters;
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
            if (_cases[audit.dispute].state == CaseState.Open) revert CourtCaseOpen(traceId, audit.dispute);
            return _finish(traceId, audit, AuditState.Judged);
        }
        if (audit.state != AuditState.Drawn) revert CourtWrongState(traceId, uint8(audit.state));
        _requireAnswered(traceId, audit);
        (uint256 revealed, bool disputed, uint256 place) = AuditRules.compare(audit.auditors);
        if (revealed == 0) return _finish(traceId, audit, AuditState.Unanswered);
        if (!disputed) return _finish(traceId, audit, AuditState.Accepted);
        if (WORK.traceOf(traceId).fate == Fate.Faulty || block.number > _challengeUntil(audit)) {
            return _finish(traceId, audit, AuditState.Unanswered);
        }
        audit.dispute = _openCase(traceId, audit, audit.segments[place], address(0));
        audit.state = AuditState.Disputed;
        emit AuditSettled(traceId, uint8(AuditState.Disputed));
    }

    /// @inheritdoc ITrainingCourt
    function challenge(uint256 traceId, uint32 segment) external payable returns (uint64 caseId) {
        Record storage audit = _known(traceId);
        if (block.number > _challengeUntil(audit)) revert CourtDeadlinePassed(traceId, _challengeUntil(audit));
        if (msg.value != _parameters.bond) revert CourtWrongBond(msg.value, _parameters.bond);
        Trace memory trace = WORK.traceOf(traceId);
        if (segment >= trace.segments) revert CourtUnknownSegment(traceId, segment, trace.segments);
        if (trace.fate == Fate.Faulty) revert CourtTraceFaulty(traceId);
        return _openCase(traceId, audit, segment, msg.sender);
    }

    /// @inheritdoc ITrainingCourt
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = withdrawable[msg.sender];
        if (amount == 0) revert CourtNothingToWithdraw(msg.sender);
        withdrawable[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert CourtTransferFailed(msg.sender, amount);
    }

    /// @inheritdoc ITrainingCourt
    function setParameters(CourtParameters calldata value) external onlyOwner {
        _setParameters(value);
    }

    /// @inheritdoc ITrainingCourt
    function selectionOf(uint256 traceId) public view returns (bool selected, uint32[] memory segments) {
        Record storage audit = _known(traceId);
        bytes32 beacon = BEACONS.beaconAt(audit.drawFrom);
        uint256 count = WORK.traceOf(traceId).segments;
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
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @inheritdoc ITrainingCourt
    function openCases() external view returns (OpenCase[] memory open) {
        open = new OpenCase[](_open.length);
        for (uint256 i = 0; i < open.length; i++) {
            Case storage stored = _cases[_open[i]];
            Trace memory trace = WORK.traceOf(stored.traceId);
            open[i] = OpenCase(
                _open[i],
                stored.traceId,
                trace.jobId,
                trace.round,
                trace.slot,
                stored.segment,
                trace.segments,
                stored.deadline,
                trace.worker,
                trace.root
            );
        }
    }

    /// @inheritdoc ITrainingCourt
    function lockFor(uint256 pay, bool fullAudit) external view returns (uint256) {
        CourtParameters memory terms = _parameters;
        return AuditRules.lockFor(pay, fullAudit ? BPS : terms.rateBps, terms);
    }

    /// @inheritdoc ITrainingCourt
    function parameters() external view returns (CourtParameters memory) {
        return _parameters;
    }

    /// @inheritdoc ITrainingCourt
    function contractsOf()
        external
        view
        returns (IJobManager, IUsefulWork, IStaking, IWorkerRegistry, IBeaconHistory)
    {
        return (JOBS, WORK, STAKING, REGISTRY, BEACONS);
    }

    /// Evaluators of before the trace, with enough stake then and now, that have no part in the job; fewer where there are fewer.
    function _drawnAuditors(uint256 traceId, Record storage audit, CourtParameters memory terms)
        private
        view
        returns (address[] memory)
    {
        Trace memory trace = WORK.traceOf(traceId);
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

    /// The fee of an audit, in the mean over all traces what they have brought.
    function _setAside(Record storage audit, uint256 rateBps) private returns (uint128) {
        if (audit.fullAudit) return audit.value;
        uint256 fee = Math.min(Math.mulDiv(audit.value, BPS, rateBps), pool);
        pool -= fee;
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
        bool withheld = decided.state == CaseState.Upheld && decided.digest == 0;
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

    function _openCase(uint256 traceId, Record storage audit, uint32 segment, address challenger)
        private
        returns (uint64 caseId)
    {
        if (_cases[audit.caseId].state == CaseState.Open) revert CourtCaseOpen(traceId, audit.caseId);
        if (_open.length >= _parameters.maxOpen) revert CourtBusy(_open.length, _parameters.maxOpen);
        caseId = uint64(++caseCount);
        uint64 deadline = uint64(block.number + _parameters.courtBlocks);
        _cases[caseId] =
            Case(uint64(traceId), segment, CaseState.Open, deadline, challenger, SafeCast.toUint128(msg.value), 0);
        audit.caseId = caseId;
        _open.push(caseId);
        bonds += msg.value;
        emit CaseOpened(caseId, traceId, segment, challenger, deadline);
    }

    /// No bundle in time is a fault.
    function _closeExpired() private {
        uint256 closed = 0;
        for (uint256 i = _open.length; i > 0 && closed < MAX_CLOSED; i--) {
            uint64 caseId = _open[i - 1];
            Case storage stored = _cases[caseId];
            if (block.number <= stored.deadline) continue;
            _uphold(caseId, stored, stored.challenger);
            closed++;
        }
    }

    function _uphold(uint64 caseId, Case storage stored, address reporter) private {
        _leave(caseId, stored, CaseState.Upheld);
        withdrawable[stored.challenger] += stored.bond;
        // The chain goes on whatever the job's contracts say.
        try WORK.faultTrace(stored.traceId, reporter) {} catch {}
    }

    function _dismiss(uint64 caseId, Case storage stored, address worker) private {
        _leave(caseId, stored, CaseState.Dismissed);
        uint256 half = stored.bond / 2;
        withdrawable[worker] += half;
        totalBurned += stored.bond - half;
        Burn.burn(stored.bond - half);
    }

    function _leave(uint64 caseId, Case storage stored, CaseState state) private {
        stored.state = state;
        bonds -= stored.bond;
        uint256 last = _open.length - 1;
        for (uint256 i = 0; i < last; i++) {
            if (_open[i] == caseId) _open[i] = _open[last];
        }
        _open.pop();
    }

    /// The challenger, or in a dispute the first auditor whose digest is the true one.
    function _reporterOf(Case storage stored) private view returns (address) {
        if (stored.challenger != address(0)) return stored.challenger;
        Record storage audit = _records[stored.traceId];
        uint256 place = _placeOf(audit, stored.segment);
        for (uint256 i = 0; i < audit.auditors.length; i++) {
            Auditor storage auditor = audit.auditors[i];
            if (auditor.digests.length > place && auditor.digests[place] == stored.digest) return auditor.account;
        }
        return address(0);
    }

    /// Where the segment stands among the audited ones.
    function _placeOf(Record storage audit, uint32 segment) private view returns (uint256 place) {
        while (place + 1 < audit.segments.length && audit.segments[place] != segment) place++;
    }

    function _known(uint256 traceId) private view returns (Record storage audit) {
        audit = _records[traceId];
        if (audit.drawFrom == 0) revert CourtUnknownTrace(traceId);
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

    /// Half of the time to commit stays to those that are drawn last.
    function _drawUntil(Record storage audit) private view returns (uint256) {
        return uint256(audit.drawFrom) + audit.commitBlocks / 2;
    }

    function _commitUntil(Record storage audit) private view returns (uint256) {
        return uint256(audit.drawFrom) + audit.commitBlocks;
    }

    function _revealUntil(Record storage audit) private view returns (uint256) {
        return _commitUntil(audit) + audit.revealBlocks;
    }

    function _challengeUntil(Record storage audit) private view returns (uint256) {
        return _revealUntil(audit) + audit.challengeBlocks;
    }

    function _setParameters(CourtParameters memory value) private {
        if (value.rateBps == 0 || value.rateBps > BPS) revert CourtBadParameters("rateBps");
        if (value.assumedBadBps > BPS / 2) revert CourtBadParameters("assumedBadBps");
        if (value.absentSlashBps > BPS) revert CourtBadParameters("absentSlashBps");
        if (value.wrongSlashBps > BPS) revert CourtBadParameters("wrongSlashBps");
        if (value.auditors < 2 || value.auditors > MAX_AUDITORS) revert CourtBadParameters("auditors");
        if (value.segmentsPerAudit == 0 || value.segmentsPerAudit > MAX_SEGMENTS) {
            revert CourtBadParameters("segmentsPerAudit");
        }
        if (value.maxOpen == 0 || value.maxOpen > MAX_OPEN) revert CourtBadParameters("maxOpen");
        // One verdict a block at most, and not in every block.
        if (value.courtBlocks < 2 * uint256(value.maxOpen) || value.courtBlocks > MAX_BLOCKS) {
            revert CourtBadParameters("courtBlocks");
        }
        if (value.commitBlocks < 2 || value.commitBlocks > MAX_BLOCKS) revert CourtBadParameters("commitBlocks");
        if (value.revealBlocks == 0 || value.revealBlocks > MAX_BLOCKS) revert CourtBadParameters("revealBlocks");
        if (value.auditLock == 0) revert CourtBadParameters("auditLock");
        _parameters = value;
        emit CourtParametersSet(value);
    }
}
