// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Auditor, CourtParameters} from "../interfaces/CourtTypes.sol";

/// @title Selection, agreement and deterrence of audits
/// @notice Decides nothing and owns no state. pouw/audit.ts has the same selection.
library AuditRules {
    uint256 internal constant BPS = 10_000;
    uint256 private constant ONE = 1e18;

    function isSelected(bytes32 beacon, uint256 traceId, uint256 rateBps) internal view returns (bool) {
        return uint256(keccak256(abi.encode("fedai-audit/1", block.chainid, beacon, traceId))) % BPS < rateBps;
    }

    /// @notice A segment may be drawn twice.
    function segmentsOf(bytes32 beacon, uint256 traceId, uint256 segments, uint256 count)
        internal
        pure
        returns (uint32[] memory drawn)
    {
        drawn = new uint32[](count);
        for (uint256 k = 0; k < count; k++) {
            drawn[k] = uint32(uint256(keccak256(abi.encode("fedai-audit-segment/1", beacon, traceId, k))) % segments);
        }
    }

    function allSegments(uint256 segments) internal pure returns (uint32[] memory all) {
        all = new uint32[](segments);
        for (uint256 i = 0; i < segments; i++) all[i] = uint32(i);
    }

    /// @notice Whether those that revealed differ, and the place of the first digest where they do. That nobody got a bundle is
    /// a dispute too, with the worker.
    function compare(Auditor[] storage auditors) internal view returns (uint256 revealed, bool disputed, uint256 place) {
        uint256 first = 0;
        for (uint256 i = 0; i < auditors.length; i++) {
            if (!auditors[i].revealed) continue;
            if (revealed++ == 0) {
                first = i;
                disputed = auditors[i].digests.length == 0;
                continue;
            }
            (bool differ, uint256 here) = _difference(auditors[first].digests, auditors[i].digests);
            if (!differ) continue;
            place = disputed ? Math.min(place, here) : here;
            disputed = true;
        }
    }

    /// @notice Smallest lock that outweighs `pay`, see ITrainingCourt.lockFor.
    function lockFor(uint256 pay, uint256 rateBps, CourtParameters memory terms) internal pure returns (uint256) {
        uint256 miss = ONE;
        for (uint256 i = 0; i < terms.auditors; i++) miss = miss * terms.assumedBadBps / BPS;
        uint256 caught = rateBps * (ONE - miss) / BPS;
        if (rateBps < BPS) caught = caught * 2 / 3;
        return Math.mulDiv(pay, ONE - caught, caught, Math.Rounding.Ceil);
    }

    function _difference(bytes32[] storage a, bytes32[] storage b) private view returns (bool, uint256) {
        if (a.length != b.length) return (true, 0);
        for (uint256 i = 0; i < a.length; i++) if (a[i] != b[i]) return (true, i);
        return (false, 0);
    }
}
