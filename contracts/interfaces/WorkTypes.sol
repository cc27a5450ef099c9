// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The words of useful work, shared by UsefulWork, its libraries and its callers. Names follow docs/protocol/useful-work.md.

/// What became of a committed trace.
enum Fate {
    Committed,
    Drawn,
    Opened,
    Void,
    Faulty
}

/// One worker's training round, committed. Sums run in chain order and include the trace itself.
struct Trace {
    address worker;
    uint64 jobId;
    uint32 round;
    uint8 slot;
    Fate fate;
    uint32 segments;
    uint64 height; // block of the commitment
    uint128 weight; // work fee paid for it, wei; zero is never drawn
    uint16 shareBps; // of its weight, its worker's when its job is settled
    uint128 upTo; // sum of weights
    uint128 poolUpTo; // sum of what was kept of the fees for proposers
    bytes32 root; // of the tree over the states at the borders of its segments
}

/// One rank of a draw.
struct RankedTrace {
    uint256 traceId;
    uint32 segment; // that must be opened
    address opener; // zero until opened
    address proposer; // paid for it; zero where it was not opened by the block that its pay hangs on
    Trace trace;
}

/// What a work height has drawn.
struct WorkDrawing {
    uint64 height;
    uint256 totalWeight; // of all traces that it drew from
    uint256 pool; // wei for proposers, the same for each rank
    bool settled;
    RankedTrace[] ranks; // best first
}

/// Governed.
struct WorkParameters {
    uint32 interval; // N: work heights are its multiples
    uint32 drawDelay; // D: blocks from a commitment to the first beacon that may draw it
    uint8 ranks; // K: traces drawn at a work height
    uint16 poolBps; // of a work fee, not burned at once: the worker's share and the proposers' part
    uint16 proposerBps; // of what is kept of a fee
}
