// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBeaconHistory} from "./IBeaconHistory.sol";
import {IJobManager} from "./IJobManager.sol";
import {ITrainingCourt} from "./ITrainingCourt.sol";
import {Trace, WorkDrawing, WorkParameters} from "./WorkTypes.sol";

/// @title Traces of training, drawn and opened
/// @notice Keeps the traces that JobManager records with their work fees, draws some of them at every work height by the beacon
/// of the block before, and takes the openings that blocks carry, as docs/protocol/useful-work.md tells it. Part of each fee is
/// burned at once. Of the rest most is the share of the trace's own worker, whichever traces are drawn, and is burned with a
/// trace that is void or faulty; a part goes to proposers. Money leaves by `withdraw`.
/// @dev The chain calls `onBlock` from the system address before the first transaction of each block. Such calls leave no
/// receipts: read the views, not events.
interface IUsefulWork {
    event TraceRecorded(
        uint256 indexed traceId, uint256 indexed jobId, uint32 round, uint8 slot, address indexed worker, uint256 weight
    );
    event Withdrawn(address indexed account, uint256 amount);
    event WorkParametersSet(WorkParameters parameters);

    error UsefulWorkNotJobManager(address caller);
    error UsefulWorkNotCourt(address caller);
    error UsefulWorkNotSystem(address caller);
    error UsefulWorkBadParameters(bytes32 field);
    error UsefulWorkUnknownTrace(uint256 traceId);
    error UsefulWorkNotOpenable(uint256 drawHeight, uint256 openHeight);
    error UsefulWorkUnknownRank(uint256 drawHeight, uint256 rank, uint256 ranks);
    error UsefulWorkAlreadyOpened(uint256 drawHeight, uint256 rank);
    error UsefulWorkWrongOpening(uint256 drawHeight, uint256 rank, bytes32 field);
    error UsefulWorkNothingToWithdraw(address account);
    error UsefulWorkTransferFailed(address to, uint256 amount);

    /// @notice JobManager records a trace with its work fee as value, which is its weight. Ids count from 0 in chain order.
    /// @return traceId Its number.
    /// @return clearAt The last block in which it can lose its pay; what depends on its fate waits until after it.
    function record(uint256 jobId, uint32 round, uint8 slot, address worker, uint32 segments, bytes32 root)
        external
        payable
        returns (uint256 traceId, uint64 clearAt);

    /// @notice The chain, in a block that opens nothing. At a work height it settles the draw before, voids what was drawn and
    /// not opened, and draws anew.
    function onBlock() external;

    /// @notice The chain, in a block that opens rank `rank` of the draw of `drawHeight`: does what `onBlock()` does, then takes
    /// the opening. Reverts, and so makes the block invalid, unless all arguments equal the record, the draw is the latest and
    /// the rank is not opened yet. Rank r of k is paid to the coinbase of block drawHeight + ceil((r + 1) * interval / k) - 1,
    /// when it is opened by then: neither draw nor worker choose whom.
    function onBlock(
        uint64 drawHeight,
        uint8 rank,
        uint256 jobId,
        address worker,
        bytes32 traceRoot,
        uint32 segment,
        uint256 totalWeight,
        address opener
    ) external;

    /// @notice JobManager, when it settles a job: credits each slot's worker what is left of the shares of its traces.
    function release(uint256 jobId, address[] calldata workers) external;

    /// @notice The court alone: the trace is proven wrong and its share burned. It can still be drawn, but is not void.
    function faultTrace(uint256 traceId, address reporter) external;

    /// @notice Pays the caller all that it has been credited.
    function withdraw() external returns (uint256 amount);

    function setParameters(WorkParameters calldata value) external;

    /// @notice What the next block would draw, seen from the state after block `block.number`; without ranks where the next
    /// block is no work height or has nothing to draw.
    function upcomingDraw() external view returns (WorkDrawing memory);

    /// @notice The draw of a work height; without ranks where nothing was drawn.
    function drawOf(uint256 height) external view returns (WorkDrawing memory);

    /// @notice Height of the draw whose ranks can be opened now; zero when there is none.
    function openHeight() external view returns (uint256);

    function traceOf(uint256 traceId) external view returns (Trace memory);

    function traceCount() external view returns (uint256);

    /// @notice The trace of a slot's training round.
    function traceIdOf(uint256 jobId, uint32 round, uint8 slot) external view returns (bool committed, uint256 traceId);

    function withdrawable(address account) external view returns (uint256);

    /// @notice Wei kept of the fees for proposers, of draws that are not settled.
    function openPools() external view returns (uint256);

    /// @notice Wei kept of the fees as shares of workers, of jobs that are not settled.
    function openShares() external view returns (uint256);

    /// @notice Wei of work fees destroyed here.
    function totalBurned() external view returns (uint256);

    function parameters() external view returns (WorkParameters memory);

    function contractsOf() external view returns (IJobManager jobs, IBeaconHistory beacons, ITrainingCourt court);
}
