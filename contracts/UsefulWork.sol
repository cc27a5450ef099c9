// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";
import {IJobManager} from "./interfaces/IJobManager.sol";
import {ITrainingCourt} from "./interfaces/ITrainingCourt.sol";
import {IUsefulWork} from "./interfaces/IUsefulWork.sol";
import {Fate, RankedTrace, Trace, WorkDrawing, WorkParameters} from "./interfaces/WorkTypes.sol";
import {Burn} from "./libraries/Burn.sol";
import {WorkDraw} from "./libraries/WorkDraw.sol";

/// @title Traces of training, drawn and opened
/// @dev What runs in `onBlock()` must not revert: the block would be invalid, and so would every other of its height.
contract UsefulWork is IUsefulWork, Ownable, ReentrancyGuardTransient {
    struct Rank {
        uint64 traceId;
        uint32 segment;
        address opener;
        address proposer;
    }

    struct Drawing {
        uint256 totalWeight;
        uint128 pool;
        bool settled;
        Rank[] ranks;
    }

    /// What a block says that it opens, as the arguments of `onBlock`.
    struct Opening {
        uint64 drawHeight;
        uint8 rank;
        uint256 jobId;
        address worker;
        bytes32 traceRoot;
        uint32 segment;
        uint256 totalWeight;
        address opener;
    }

    /// Caller of the system calls of EIP-4788 and its like.
    address private constant SYSTEM_ADDRESS = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    /// Bounds the work of one block.
    uint256 private constant MAX_RANKS = 8;
    /// At least half of every work fee is burned, so that buying weight always costs.
    uint256 private constant MAX_POOL_BPS = 5_000;
    uint256 private constant BPS = 10_000;

    IJobManager private immutable JOBS;
    IBeaconHistory private immutable BEACONS;
    ITrainingCourt private immutable COURT;
    WorkParameters private _parameters;
    Trace[] private _traces;
    mapping(uint256 height => Drawing) private _draws;
    /// The latest work height that was dealt with.
    uint64 private _workHeight;
    /// The first trace that no draw has covered.
    uint64 private _firstUndrawn;
    mapping(uint256 jobId => mapping(uint256 slot => uint256)) private _shares;
    /// @inheritdoc IUsefulWork
    uint256 public openShares;
    /// @inheritdoc IUsefulWork
    mapping(address account => uint256) public withdrawable;
    /// @inheritdoc IUsefulWork
    uint256 public totalBurned;

    constructor(
        address owner_,
        IJobManager jobs,
        IBeaconHistory beacons,
        ITrainingCourt court,
        WorkParameters memory value
    ) Ownable(owner_) {
        JOBS = jobs;
        BEACONS = beacons;
        COURT = court;
        _setParameters(value);
    }

    modifier onlySystem() {
        if (msg.sender != SYSTEM_ADDRESS) revert UsefulWorkNotSystem(msg.sender);
        _;
    }

    /// @inheritdoc IUsefulWork
    function record(uint256 jobId, uint32 round, uint8 slot, address worker, uint32 segments, bytes32 root)
        external
        payable
        returns (uint256 traceId, uint64 clearAt)
    {
        if (msg.sender != address(JOBS)) revert UsefulWorkNotJobManager(msg.sender);
        traceId = _traces.length;
        uint256 kept = Math.mulDiv(msg.value, _parameters.poolBps, BPS);
        uint256 shareBps = uint256(_parameters.poolBps) * (BPS - _parameters.proposerBps) / BPS;
        uint256 share = Math.mulDiv(msg.value, shareBps, BPS);
        Trace storage trace = _traces.push();
        (trace.worker, trace.jobId, trace.round) = (worker, SafeCast.toUint64(jobId), round);
        (trace.slot, trace.segments, trace.height) = (slot, segments, uint64(block.number));
        (trace.weight, trace.shareBps) = (SafeCast.toUint128(msg.value), uint16(shareBps));
        trace.upTo = SafeCast.toUint128(WorkDraw.weightUpTo(_traces, traceId) + msg.value);
        trace.poolUpTo = SafeCast.toUint128(_poolUpTo(traceId) + kept - share);
        trace.root = root;
        _shares[jobId][slot] += share;
        openShares += share;
        // Drawn at the latest an interval after the delay, and open for another.
        clearAt = uint64(block.number) + _parameters.drawDelay + 2 * uint64(_parameters.interval);
        emit TraceRecorded(traceId, jobId, round, slot, worker, msg.value);
        _burn(msg.value - kept);
    }

    /// @inheritdoc IUsefulWork
    function onBlock() external onlySystem {
        _advance();
        _reward();
    }

    /// @inheritdoc IUsefulWork
    function onBlock(
        uint64 drawHeight,
        uint8 rank,
        uint256 jobId,
        address worker,
        bytes32 traceRoot,
        uint32 segment,
        uint256 totalWeight,
        address opener
    ) external onlySystem {
        _advance();
        _open(Opening(drawHeight, rank, jobId, worker, traceRoot, segment, totalWeight, opener));
        _reward();
    }

    /// @inheritdoc IUsefulWork
    function faultTrace(uint256 traceId, address reporter) external {
        if (msg.sender != address(COURT)) revert UsefulWorkNotCourt(msg.sender);
        Trace storage trace = _traces[traceId];
        if (trace.fate != Fate.Void && trace.fate != Fate.Faulty) _forfeit(trace);
        trace.fate = Fate.Faulty;
        JOBS.faultTrace(trace.jobId, trace.round, trace.slot, reporter);
    }

    /// @inheritdoc IUsefulWork
    function release(uint256 jobId, address[] calldata workers) external {
        if (msg.sender != address(JOBS)) revert UsefulWorkNotJobManager(msg.sender);
        for (uint256 slot = 0; slot < workers.length; slot++) {
            uint256 share = _shares[jobId][slot];
            if (share == 0) continue;
            _shares[jobId][slot] = 0;
            openShares -= share;
            withdrawable[workers[slot]] += share;
        }
    }

    /// @inheritdoc IUsefulWork
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = withdrawable[msg.sender];
        if (amount == 0) revert UsefulWorkNothingToWithdraw(msg.sender);
        withdrawable[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert UsefulWorkTransferFailed(msg.sender, amount);
    }

    /// @inheritdoc IUsefulWork
    function setParameters(WorkParameters calldata value) external onlyOwner {
        _setParameters(value);
    }

    /// @inheritdoc IUsefulWork
    function upcomingDraw() external view returns (WorkDrawing memory drawing) {
        uint256 height = block.number + 1;
        drawing.height = uint64(height);
        if (height % _parameters.interval != 0) return drawing;
        (WorkDraw.Choice[] memory chosen, uint256 to) = _choose(height);
        (drawing.totalWeight, drawing.pool) = _sums(_firstUndrawn, to);
        drawing.ranks = new RankedTrace[](chosen.length);
        for (uint256 i = 0; i < chosen.length; i++) {
            uint256 id = chosen[i].traceId;
            drawing.ranks[i] = RankedTrace(id, chosen[i].segment, address(0), address(0), _traces[id]);
        }
    }

    /// @inheritdoc IUsefulWork
    function drawOf(uint256 height) external view returns (WorkDrawing memory drawing) {
        Drawing storage stored = _draws[height];
        (drawing.height, drawing.totalWeight) = (uint64(height), stored.totalWeight);
        (drawing.pool, drawing.settled) = (stored.pool, stored.settled);
        drawing.ranks = new RankedTrace[](stored.ranks.length);
        for (uint256 i = 0; i < stored.ranks.length; i++) {
            Rank memory rank = stored.ranks[i];
            drawing.ranks[i] =
                RankedTrace(rank.traceId, rank.segment, rank.opener, rank.proposer, _traces[rank.traceId]);
        }
    }

    /// @inheritdoc IUsefulWork
    function openHeight() public view returns (uint256) {
        return _draws[_workHeight].ranks.length > 0 ? _workHeight : 0;
    }

    /// @inheritdoc IUsefulWork
    function traceOf(uint256 traceId) external view returns (Trace memory) {
        if (traceId >= _traces.length) revert UsefulWorkUnknownTrace(traceId);
        return _traces[traceId];
    }

    /// @inheritdoc IUsefulWork
    function traceCount() external view returns (uint256) {
        return _traces.length;
    }

    /// @inheritdoc IUsefulWork
    function traceIdOf(uint256 jobId, uint32 round, uint8 slot) external view returns (bool committed, uint256 traceId) {
        (committed, traceId,) = JOBS.traceOf(jobId, round, slot);
    }

    /// @inheritdoc IUsefulWork
    function openPools() external view returns (uint256) {
        Drawing storage latest = _draws[_workHeight];
        (, uint256 undrawn) = _sums(_firstUndrawn, _traces.length);
        return undrawn + (latest.settled ? 0 : latest.pool);
    }

    /// @inheritdoc IUsefulWork
    function parameters() external view returns (WorkParameters memory) {
        return _parameters;
    }

    /// @inheritdoc IUsefulWork
    function contractsOf() external view returns (IJobManager, IBeaconHistory, ITrainingCourt) {
        return (JOBS, BEACONS, COURT);
    }

    /// Every work height once: the draw before ends, the next begins.
    function _advance() private {
        if (block.number % _parameters.interval != 0 || block.number == _workHeight) return;
        _settle(_draws[_workHeight]);
        _workHeight = uint64(block.number);
        (WorkDraw.Choice[] memory chosen, uint256 to) = _choose(block.number);
        (uint256 totalWeight, uint256 pool) = _sums(_firstUndrawn, to);
        if (to > _firstUndrawn) _firstUndrawn = uint64(to);
        if (chosen.length == 0) return;
        Drawing storage drawing = _draws[block.number];
        (drawing.totalWeight, drawing.pool) = (totalWeight, uint128(pool));
        for (uint256 i = 0; i < chosen.length; i++) {
            uint256 id = chosen[i].traceId;
            _setFate(_traces[id], Fate.Drawn);
            drawing.ranks.push(Rank(uint64(id), chosen[i].segment, address(0), address(0)));
        }
    }

    /// The traces that the work height draws, and where those end that it covers.
    function _choose(uint256 height) private view returns (WorkDraw.Choice[] memory chosen, uint256 to) {
        uint256 from = _firstUndrawn;
        uint256 delay = uint256(_parameters.drawDelay) + 1;
        to = height < delay ? from : WorkDraw.firstAfter(_traces, from, height - delay);
        if (to == from) return (chosen, to);
        chosen = WorkDraw.draw(_traces, from, to, _parameters.ranks, BEACONS.beaconAt(height - 1));
    }

    function _open(Opening memory opening) private {
        (uint256 height, uint256 index) = (opening.drawHeight, opening.rank);
        if (height == 0 || height != openHeight()) revert UsefulWorkNotOpenable(height, openHeight());
        Drawing storage drawing = _draws[height];
        if (index >= drawing.ranks.length) revert UsefulWorkUnknownRank(height, index, drawing.ranks.length);
        Rank storage rank = drawing.ranks[index];
        if (rank.opener != address(0)) revert UsefulWorkAlreadyOpened(height, index);
        Trace storage trace = _traces[rank.traceId];
        bytes32 wrong;
        if (opening.jobId != trace.jobId) wrong = "jobId";
        else if (opening.worker != trace.worker) wrong = "worker";
        else if (opening.traceRoot != trace.root) wrong = "traceRoot";
        else if (opening.segment != rank.segment) wrong = "segment";
        else if (opening.totalWeight != drawing.totalWeight) wrong = "totalWeight";
        else if (opening.opener == address(0)) wrong = "opener";
        if (wrong != 0) revert UsefulWorkWrongOpening(height, index, wrong);
        rank.opener = opening.opener;
        _setFate(trace, Fate.Opened);
    }

    /// A fault stays one, whatever a draw makes of the trace.
    function _setFate(Trace storage trace, Fate fate) private {
        if (trace.fate != Fate.Faulty) trace.fate = fate;
    }

    /// The proposer of the last block of a rank's part of the interval earns the rank's pay, when it is opened by then: a
    /// proposer gains by opening, and no draw, delay or choice of what to open moves the pay to another.
    function _reward() private {
        uint256 height = _workHeight;
        Drawing storage drawing = _draws[height];
        uint256 count = drawing.ranks.length;
        for (uint256 i = 0; i < count; i++) {
            if (block.number + 1 != height + Math.ceilDiv((i + 1) * _parameters.interval, count)) continue;
            if (drawing.ranks[i].opener != address(0)) drawing.ranks[i].proposer = block.coinbase;
        }
    }

    /// Pays the proposers; traces that were not opened are void unless they are faulty.
    function _settle(Drawing storage drawing) private {
        uint256 count = drawing.ranks.length;
        if (count == 0) return;
        drawing.settled = true;
        (uint256 part, uint256 left) = (drawing.pool / count, drawing.pool);
        for (uint256 i = 0; i < count; i++) {
            Rank memory rank = drawing.ranks[i];
            Trace storage trace = _traces[rank.traceId];
            if (rank.opener == address(0) && trace.fate != Fate.Faulty) _void(trace);
            if (rank.proposer == address(0)) continue;
            withdrawable[rank.proposer] += part;
            left -= part;
        }
        _burn(left);
    }

    function _void(Trace storage trace) private {
        trace.fate = Fate.Void;
        _forfeit(trace);
        JOBS.voidTrace(trace.jobId, trace.round, trace.slot);
    }

    /// Burns the share of a lost trace, unless its job is settled.
    function _forfeit(Trace storage trace) private {
        uint256 share = Math.mulDiv(trace.weight, trace.shareBps, BPS);
        if (share > _shares[trace.jobId][trace.slot]) return;
        _shares[trace.jobId][trace.slot] -= share;
        openShares -= share;
        _burn(share);
    }

    function _burn(uint256 amount) private {
        totalBurned += amount;
        Burn.burn(amount);
    }

    function _poolUpTo(uint256 count) private view returns (uint256) {
        return count == 0 ? 0 : _traces[count - 1].poolUpTo;
    }

    /// Weight and pool of the traces from number `from` to before number `to`.
    function _sums(uint256 from, uint256 to) private view returns (uint256 weight, uint256 pool) {
        weight = WorkDraw.weightUpTo(_traces, to) - WorkDraw.weightUpTo(_traces, from);
        pool = _poolUpTo(to) - _poolUpTo(from);
    }

    function _setParameters(WorkParameters memory value) private {
        if (value.interval == 0) revert UsefulWorkBadParameters("interval");
        if (value.drawDelay == 0) revert UsefulWorkBadParameters("drawDelay");
        if (value.ranks == 0 || value.ranks > MAX_RANKS) revert UsefulWorkBadParameters("ranks");
        if (value.poolBps > MAX_POOL_BPS) revert UsefulWorkBadParameters("poolBps");
        if (value.proposerBps > BPS) revert UsefulWorkBadParameters("proposerBps");
        _parameters = value;
        emit WorkParametersSet(value);
    }
}
