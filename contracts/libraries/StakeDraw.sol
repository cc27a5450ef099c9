// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Draw by stake, without replacement
/// @notice Every candidate gets a random arrival time, exponential with its stake as rate, from a hash of the seed and its own
/// address; the earliest win. That is the distribution of drawing one by one in proportion to stake (Efraimidis and
/// Spirakis, 2006), and no candidate's time depends on who else stands or in which order they are listed.
library StakeDraw {
    /// @return drawn `count` distinct candidates, earliest first. Needs count <= candidates and weights above zero.
    function draw(bytes32 seed, address[] memory candidates, uint256[] memory weights, uint256 count)
        internal
        pure
        returns (address[] memory drawn)
    {
        uint256 total = candidates.length;
        uint256[] memory times = new uint256[](total);
        for (uint256 i = 0; i < total; i++) {
            times[i] = minusLog2(uint256(keccak256(abi.encode(seed, candidates[i]))));
        }
        drawn = new address[](count);
        bool[] memory taken = new bool[](total);
        for (uint256 k = 0; k < count; k++) {
            uint256 best = total;
            for (uint256 i = 0; i < total; i++) {
                if (taken[i]) continue;
                if (best == total || _before(times[i], weights[i], times[best], weights[best])) best = i;
            }
            taken[best] = true;
            drawn[k] = candidates[best];
        }
    }

    /// @notice -log2(x / 2^256) in units of 2^-64, rounded up (x of zero counts as one). At most 256 * 2^64, never zero.
    function minusLog2(uint256 x) internal pure returns (uint256) {
        if (x == 0) x = 1;
        uint256 exponent = Math.log2(x);
        // Mantissa in [1, 2) with 127 fraction bits, so that its square fits.
        uint256 mantissa = exponent >= 127 ? x >> (exponent - 127) : x << (127 - exponent);
        uint256 fraction = 0;
        for (uint256 bit = 0; bit < 64; bit++) {
            mantissa = (mantissa * mantissa) >> 127;
            fraction <<= 1;
            if (mantissa >> 128 != 0) {
                mantissa >>= 1;
                fraction |= 1;
            }
        }
        return (uint256(256) << 64) - ((exponent << 64) | fraction);
    }

    /// a's time / weight is earlier than b's; times stay below 2^73 and weights (wei) below 2^128, so nothing overflows.
    function _before(uint256 timeA, uint256 weightA, uint256 timeB, uint256 weightB) private pure returns (bool) {
        return timeA * weightB < timeB * weightA;
    }
}
