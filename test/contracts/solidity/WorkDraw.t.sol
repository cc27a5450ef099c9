// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trace} from "../../../contracts/interfaces/WorkTypes.sol";
import {WorkDraw} from "../../../contracts/libraries/WorkDraw.sol";

contract WorkDrawTest {
    Trace[] private traces;

    /// The search over prefix sums finds what a walk along the list finds.
    function testFuzz_DrawsAsAWalkWould(bytes32 seed, uint8 size, uint8 start, uint8 ranks) public {
        _fill(seed, uint256(size) % 24);
        uint256 from = traces.length == 0 ? 0 : start % traces.length;
        uint256 wanted = ranks % 6;
        WorkDraw.Choice[] memory chosen = WorkDraw.draw(traces, from, traces.length, wanted, seed);
        bool[] memory taken = new bool[](traces.length);
        uint256 total = 0;
        uint256 weighted = 0;
        for (uint256 i = from; i < traces.length; i++) {
            total += traces[i].weight;
            if (traces[i].weight > 0) weighted++;
        }
        assert(chosen.length == (weighted < wanted ? weighted : wanted));
        for (uint256 rank = 0; rank < chosen.length; rank++) {
            uint256 ticket = uint256(keccak256(abi.encode("fedai-work-draw/1", block.chainid, seed, rank))) % total;
            uint256 i = from;
            for (;; i++) {
                if (taken[i]) continue;
                if (ticket < traces[i].weight) break;
                ticket -= traces[i].weight;
            }
            assert(chosen[rank].traceId == i && chosen[rank].segment < traces[i].segments);
            taken[i] = true;
            total -= traces[i].weight;
        }
    }

    /// Weights 1 to 4: shares of the first rank are 10, 20, 30, 40 per cent (800 draws, four standard deviations).
    function test_FirstRankIsInProportionToFees() public {
        for (uint128 i = 1; i <= 4; i++) _push(i, bytes32(uint256(i)));
        uint256[4] memory wins;
        for (uint256 i = 0; i < 800; i++) wins[WorkDraw.draw(traces, 0, 4, 1, bytes32(i))[0].traceId]++;
        assert(wins[0] > 46 && wins[0] < 114);
        assert(wins[1] > 114 && wins[1] < 206);
        assert(wins[2] > 188 && wins[2] < 292);
        assert(wins[3] > 264 && wins[3] < 376);
    }

    function testFuzz_FindsTheFirstTraceAfterAHeight(bytes32 seed, uint8 size, uint16 height) public {
        _fill(seed, uint256(size) % 24);
        uint256 first = 0;
        while (first < traces.length && traces[first].height <= height) first++;
        assert(WorkDraw.firstAfter(traces, 0, height) == first);
    }

    /// About every third trace has no weight.
    function _fill(bytes32 seed, uint256 count) private {
        for (uint256 i = 0; i < count; i++) {
            uint256 chance = uint256(keccak256(abi.encode(seed, i)));
            _push(chance % 3 == 0 ? 0 : uint128(chance % 1 ether), bytes32(chance));
        }
    }

    function _push(uint128 weight, bytes32 root) private {
        uint256 count = traces.length;
        Trace storage trace = traces.push();
        trace.weight = weight;
        trace.upTo = weight + (count == 0 ? 0 : traces[count - 1].upTo);
        trace.height = (count == 0 ? 0 : traces[count - 1].height) + uint64(uint256(root) % 3);
        (trace.root, trace.segments) = (root, uint32(1 + uint256(root) % 9));
    }
}
