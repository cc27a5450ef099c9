// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {AuditState, Auditor, Case, CaseState, CourtParameters, OpenCase} from "./interfaces/CourtTypes.sol";
import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";
import {IJobManager} from "./interfaces/IJobManager.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {ITrainingCourt} from "./interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "./interfaces/IUsefulWork.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";
import {Fate, Trace, WorkParameters} from "./interfaces/WorkTypes.sol";
import {Burn} from "./libraries/Burn.sol";

/// @title The court's state, money and cases
/// @dev What runs in `onBlock()` must not revert, and touches neither Staking nor Registry: their part is TrainingCourt's, in
/// transactions.
abstract contract CourtCases is ITrainingCourt, Ownable, ReentrancyGuardTransient {
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
        uint64 potJob; // whose traces alone pay for the audit; zero: all traces
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
    uint256 internal constant BPS = 10_000;

    IJobManager internal immutable JOBS;
    IUsefulWork internal immutable WORK;
    IStaking internal immutable STAKING;
    IWorkerRegistry internal immutable REGISTRY;
    IBeaconHistory internal immutable BEACONS;
    CourtParameters internal _parameters;
    mapping(uint256 traceId => Record) internal _records;
    /// Ids count from 1.
    mapping(uint256 caseId => Case) internal _cases;
    uint64[] private _open;
    /// Cases of a busy court in the order of their coming; those before `_heard` have had their turn.
    uint64[] private _waiting;
    uint256 private _heard;
    /// The case that is open or waits.
    mapping(uint256 traceId => mapping(uint256 segment => uint64 caseId)) private _live;
    /// @inheritdoc ITrainingCourt
    mapping(uint256 jobId => uint256) public waitingCases;
    /// @inheritdoc ITrainingCourt
    uint256 public caseCount;
    /// @inheritdoc ITrainingCourt
    uint256 public pool;
    /// @inheritdoc ITrainingCourt
    uint256 public pots;
    mapping(uint256 jobId => uint256) internal _pots;
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
    function record(uint256 traceId, bool fullAudit, uint256 potJob) external payable returns (uint64 clearAt) {
        if (msg.sender != address(JOBS)) revert CourtNotJobManager(msg.sender);
        CourtParameters memory terms = _terms();
        WorkParameters memory work = WORK.parameters();
        Record storage audit = _records[traceId];
        (audit.value, audit.fullAudit) = (SafeCast.toUint128(msg.value), fullAudit);
        audit.drawFrom = SafeCast.toUint40(block.number + work.drawDelay);
        (audit.commitBlocks, audit.revealBlocks) = (uint24(terms.commitBlocks), uint24(terms.revealBlocks));
        audit.challengeBlocks = uint24(Math.min(2 * uint256(work.interval), type(uint24).max));
        if (fullAudit) {
            held += msg.value;
        } else if (potJob != 0) {
            audit.potJob = SafeCast.toUint64(potJob);
            _pots[potJob] += msg.value;
            pots += msg.value;
        } else {
            pool += msg.value;
        }
        // Cases of one block are closed a few at a time.
        uint256 closing = 2 + Math.ceilDiv(terms.maxOpen, MAX_CLOSED);
        return uint64(_challengeUntil(audit) + terms.courtBlocks + closing);
    }

    /// @inheritdoc ITrainingCourt
    function close(uint256 jobId) external returns (bool closed) {
        if (msg.sender != address(JOBS)) revert CourtNotJobManager(msg.sender);
        if (waitingCases[jobId] > 0) return false;
        uint256 left = _pots[jobId];
        _pots[jobId] = 0;
        pots -= left;
        pool += left;
        return true;
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
        Trace memory trace = _traceOf(stored.traceId);
        bytes32 wrong;
        if (traceRoot != trace.root) wrong = "traceRoot";
        else if (segment != stored.segment) wrong = "segment";
        else if (digest == 0) wrong = "digest";
        if (wrong != 0) revert CourtWrongVerdict(caseId, wrong);
        stored.digest = digest;
        if (guilty) _uphold(caseId, stored, _reporterOf(stored));
        else _dismiss(caseId, stored, trace.worker);
        _closeExpired();
    }

    /// @inheritdoc ITrainingCourt
    function challenge(uint256 traceId, uint32 segment) external payable returns (uint64 caseId) {
        Record storage audit = _known(traceId);
        if (block.number > _challengeUntil(audit)) revert CourtDeadlinePassed(traceId, _challengeUntil(audit));
        if (msg.value != _parameters.bond) revert CourtWrongBond(msg.value, _parameters.bond);
        Trace memory trace = _traceOf(traceId);
        if (segment >= trace.segments) revert CourtUnknownSegment(traceId, segment, trace.segments);
        if (trace.fate == Fate.Faulty) revert CourtTraceFaulty(traceId);
        return _openCase(traceId, audit, segment, msg.sender, _isAuditors(audit, segment));
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
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @inheritdoc ITrainingCourt
    function openCases() external view returns (OpenCase[] memory open) {
        open = new OpenCase[](_open.length);
        for (uint256 i = 0; i < open.length; i++) {
            Case storage stored = _cases[_open[i]];
            Trace memory trace = _traceOf(stored.traceId);
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
    function parameters() external view returns (CourtParameters memory) {
        return _terms();
    }

    /// @inheritdoc ITrainingCourt
    function contractsOf()
        external
        view
        returns (IJobManager, IUsefulWork, IStaking, IWorkerRegistry, IBeaconHistory)
    {
        return (JOBS, WORK, STAKING, REGISTRY, BEACONS);
    }

    /// A case keeps others off its own segment alone: else a worker could shield a wrong one by accusing itself of a right one.
    /// In a busy court only those wait whom nobody may keep out by filling it.
    function _openCase(uint256 traceId, Record storage audit, uint32 segment, address challenger, bool mayWait)
        internal
        returns (uint64 caseId)
    {
        CourtParameters memory terms = _terms();
        uint64 live = _live[traceId][segment];
        if (live != 0) revert CourtCaseOpen(traceId, live);
        bool waits = _open.length >= terms.maxOpen || _heard < _waiting.length;
        if (waits && !mayWait) revert CourtBusy(_open.length, terms.maxOpen);
        caseId = uint64(++caseCount);
        uint64 deadline = waits ? 0 : uint64(block.number + terms.courtBlocks);
        CaseState state = waits ? CaseState.Waiting : CaseState.Open;
        _cases[caseId] =
            Case(uint64(traceId), segment, state, deadline, waits, challenger, SafeCast.toUint128(msg.value), 0);
        if (waits) {
            _waiting.push(caseId);
            waitingCases[_traceOf(traceId).jobId]++;
        } else {
            _open.push(caseId);
        }
        _live[traceId][segment] = caseId;
        audit.caseId = caseId;
        bonds += msg.value;
        emit CaseOpened(caseId, traceId, segment, challenger, deadline);
    }

    /// Whether the sender was drawn to audit the segment.
    function _isAuditors(Record storage audit, uint32 segment) private view returns (bool) {
        bool audited = false;
        for (uint256 i = 0; i < audit.segments.length && !audited; i++) audited = audit.segments[i] == segment;
        if (!audited) return false;
        for (uint256 i = 0; i < audit.auditors.length; i++) {
            if (audit.auditors[i].account == msg.sender) return true;
        }
        return false;
    }

    /// The turn of those that wait.
    function _hear() private {
        (uint256 next, uint256 end) = (_heard, _waiting.length);
        if (next == end) return;
        if (end > next + MAX_CLOSED) end = next + MAX_CLOSED;
        for (; next < end && _open.length < _parameters.maxOpen; next++) {
            uint64 caseId = _waiting[next];
            Case storage stored = _cases[caseId];
            if (_traceOf(stored.traceId).fate == Fate.Faulty) {
                _end(stored, CaseState.Dropped);
                withdrawable[stored.challenger] += stored.bond;
                continue;
            }
            (stored.state, stored.deadline) = (CaseState.Open, uint64(block.number + _parameters.courtBlocks));
            _open.push(caseId);
        }
        _heard = next;
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
        _hear();
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
        _end(stored, state);
        uint256 last = _open.length - 1;
        for (uint256 i = 0; i < last; i++) {
            if (_open[i] == caseId) _open[i] = _open[last];
        }
        _open.pop();
    }

    function _end(Case storage stored, CaseState state) private {
        stored.state = state;
        bonds -= stored.bond;
        delete _live[stored.traceId][stored.segment];
        if (stored.waited) waitingCases[_traceOf(stored.traceId).jobId]--;
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

    function _terms() internal view returns (CourtParameters memory) {
        return _parameters;
    }

    function _traceOf(uint256 traceId) internal view returns (Trace memory) {
        return WORK.traceOf(traceId);
    }

    /// Where the segment stands among the audited ones.
    function _placeOf(Record storage audit, uint32 segment) internal view returns (uint256 place) {
        while (place + 1 < audit.segments.length && audit.segments[place] != segment) place++;
    }

    function _known(uint256 traceId) internal view returns (Record storage audit) {
        audit = _records[traceId];
        if (audit.drawFrom == 0) revert CourtUnknownTrace(traceId);
    }

    /// Half of the time to commit stays to those that are drawn last.
    function _drawUntil(Record storage audit) internal view returns (uint256) {
        return uint256(audit.drawFrom) + audit.commitBlocks / 2;
    }

    function _commitUntil(Record storage audit) internal view returns (uint256) {
        return uint256(audit.drawFrom) + audit.commitBlocks;
    }

    function _revealUntil(Record storage audit) internal view returns (uint256) {
        return _commitUntil(audit) + audit.revealBlocks;
    }

    function _challengeUntil(Record storage audit) internal view returns (uint256) {
        return _revealUntil(audit) + audit.challengeBlocks;
    }

    function _setParameters(CourtParameters memory value) private {
        _require(value.rateBps > 0 && value.rateBps <= BPS, "rateBps");
        _require(value.assumedBadBps <= BPS / 2, "assumedBadBps");
        _require(value.absentSlashBps <= BPS, "absentSlashBps");
        _require(value.wrongSlashBps <= BPS, "wrongSlashBps");
        _require(value.auditors >= 2 && value.auditors <= MAX_AUDITORS, "auditors");
        _require(value.segmentsPerAudit > 0 && value.segmentsPerAudit <= MAX_SEGMENTS, "segmentsPerAudit");
        _require(value.maxOpen > 0 && value.maxOpen <= MAX_OPEN, "maxOpen");
        // One verdict a block at most, and not in every block.
        _require(
            value.courtBlocks >= 2 * uint256(value.maxOpen) && value.courtBlocks <= MAX_BLOCKS, "courtBlocks"
        );
        _require(value.commitBlocks >= 2 && value.commitBlocks <= MAX_BLOCKS, "commitBlocks");
        _require(value.revealBlocks > 0 && value.revealBlocks <= MAX_BLOCKS, "revealBlocks");
        _require(value.auditLock > 0, "auditLock");
        _parameters = value;
        emit CourtParametersSet(value);
    }

    function _require(bool holds, bytes32 field) private pure {
        if (!holds) revert CourtBadParameters(field);
    }
}
