// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakeDraw} from "../../../contracts/libraries/StakeDraw.sol";
import {vm} from "./Vm.sol";

contract StakeDrawTest {
    function testFuzz_DrawsDistinctCandidates(bytes32 seed, uint8 size, uint8 count) public pure {
        uint256 total = uint256(size) % 16 + 1;
        uint256 wanted = uint256(count) % (total + 1);
        (address[] memory candidates, uint256[] memory weights) = _candidates(total);
        address[] memory drawn = StakeDraw.draw(seed, candidates, weights, wanted);
        assert(drawn.length == wanted);
        for (uint256 i = 0; i < wanted; i++) {
            assert(uint160(drawn[i]) >= 1 && uint160(drawn[i]) <= total);
            for (uint256 j = 0; j < i; j++) assert(drawn[i] != drawn[j]);
        }
    }

    /// Nobody gains by the order of the list or by others leaving it.
    function testFuzz_OrderAndAbsenceDoNotMatter(bytes32 seed) public pure {
        (address[] memory candidates, uint256[] memory weights) = _candidates(6);
        address[] memory drawn = StakeDraw.draw(seed, candidates, weights, 6);
        address[] memory reversed = new address[](5);
        uint256[] memory reversedWeights = new uint256[](5);
        uint256 filled = 0;
        for (uint256 i = 6; i > 0; i--) {
            if (candidates[i - 1] == drawn[0]) continue;
            (reversed[filled], reversedWeights[filled]) = (candidates[i - 1], weights[i - 1]);
            filled++;
        }
        address[] memory again = StakeDraw.draw(seed, reversed, reversedWeights, 5);
        for (uint256 i = 0; i < 5; i++) assert(again[i] == drawn[i + 1]);
    }

    /// Weights 1 to 4: shares of the first draw are 10, 20, 30, 40 per cent (800 draws, four standard deviations).
    function test_FirstDrawIsInProportionToStake() public pure {
        uint256[5] memory wins;
        (address[] memory candidates, uint256[] memory weights) = _candidates(4);
        for (uint256 i = 0; i < 800; i++) {
            wins[uint160(StakeDraw.draw(bytes32(i), candidates, weights, 1)[0])]++;
        }
        assert(wins[1] > 46 && wins[1] < 114);
        assert(wins[2] > 114 && wins[2] < 206);
        assert(wins[3] > 188 && wins[3] < 292);
        assert(wins[4] > 264 && wins[4] < 376);
    }

    function testFuzz_MinusLog2IsMonotone(uint256 a, uint256 b) public pure {
        vm.assume(a < b);
        assert(StakeDraw.minusLog2(a) >= StakeDraw.minusLog2(b));
    }

    function test_MinusLog2OfPowersIsExact() public pure {
        for (uint256 exponent = 0; exponent < 256; exponent++) {
            assert(StakeDraw.minusLog2(1 << exponent) == (256 - exponent) << 64);
        }
        assert(StakeDraw.minusLog2(0) == 256 << 64);
        // -log2(3/4) = 0.41503749927884381855 in units of 2^-64.
        uint256 threeQuarters = StakeDraw.minusLog2(3 << 254);
        uint256 exact = 7_656_090_530_189_244_512;
        uint256 difference = threeQuarters > exact ? threeQuarters - exact : exact - threeQuarters;
        assert(difference < 1 << 20);
    }

    function _candidates(uint256 total)
        private
        pure
        returns (address[] memory candidates, uint256[] memory weights)
    {
        candidates = new address[](total);
        weights = new uint256[](total);
        for (uint256 i = 0; i < total; i++) {
            candidates[i] = address(uint160(i + 1));
            weights[i] = (i + 1) * 1 ether;
        }
    }
}
