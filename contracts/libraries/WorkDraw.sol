// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trace} from "../interfaces/WorkTypes.sol";

/// @title The draw of a work height
/// @notice Ranks traces by chance in proportion to the fees paid for them, without replacement, and names one segment of each.
/// Reads only prefix sums, so its cost grows with the logarithm of the number of traces. pouw/draw.ts is the same rule.
library WorkDraw {
    struct Choice {
        uint256 traceId;
        uint32 segment;
    }

    /// @notice Draws up to `ranks` of the traces from number `from` to before number `to`.
    function draw(Trace[] storage traces, uint256 from, uint256 to, uint256 ranks, bytes32 beacon)
        internal
        view
        returns (Choice[] memory chosen)
    {
        uint256 base = weightUpTo(traces, from);
        uint256 left = weightUpTo(traces, to) - base;
        chosen = new Choice[](ranks);
        uint256 count = 0;
        while (count < ranks && left > 0) {
            uint256 ticket = uint256(keccak256(abi.encode("fedai-work-draw/1", block.chainid, beacon, count))) % left;
            uint256 id = _find(traces, from, to, base + ticket, chosen, count);
            chosen[count] = Choice(id, _segmentOf(traces[id], beacon, count));
            left -= traces[id].weight;
            count++;
        }
        assembly ("memory-safe") {
            mstore(chosen, count)
        }
    }

    /// @notice The first trace from number `from` that was committed after `height`.
    function firstAfter(Trace[] storage traces, uint256 from, uint256 height) internal view returns (uint256 low) {
        low = from;
        uint256 high = traces.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (traces[middle].height <= height) low = middle + 1;
            else high = middle;
        }
    }

    /// @notice Sum of the weights of the first `count` traces.
    function weightUpTo(Trace[] storage traces, uint256 count) internal view returns (uint256) {
        return count == 0 ? 0 : traces[count - 1].upTo;
    }

    /// The trace that holds `ticket` in the running sum without those chosen before.
    function _find(
        Trace[] storage traces,
        uint256 low,
        uint256 high,
        uint256 ticket,
        Choice[] memory chosen,
        uint256 count
    ) private view returns (uint256) {
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint256 sum = traces[middle].upTo;
            for (uint256 i = 0; i < count; i++) {
                if (chosen[i].traceId <= middle) sum -= traces[chosen[i].traceId].weight;
            }
            if (sum > ticket) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    function _segmentOf(Trace storage trace, bytes32 beacon, uint256 rank) private view returns (uint32) {
        uint256 chance = uint256(keccak256(abi.encode("fedai-work-segment/1", beacon, rank, trace.root)));
        return uint32(chance % trace.segments);
    }
}
