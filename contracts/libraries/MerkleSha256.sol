// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Audit paths of SHA-256 Merkle trees
/// @notice Trees as in RFC 6962: leaf prefix 0x00, node prefix 0x01, no leaf doubled. Paths go from the leaf up.
library MerkleSha256 {
    function leafOf(bytes32 data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), data));
    }

    /// @notice Whether `leaf` is number `index` of `count` leaves under `root`. The path must have exactly the length that
    /// index and count ask for, so work is bounded by the depth of the tree.
    function verify(bytes32 root, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= count) return false;
        uint256 last = count - 1;
        bytes32 node = leaf;
        for (uint256 i = 0; i < path.length; i++) {
            if (last == 0) return false;
            if (index & 1 == 1 || index == last) {
                node = _nodeOf(path[i], node);
                // Levels at which this subtree is the last one and has no sibling.
                while (index & 1 == 0 && index != 0) (index, last) = (index >> 1, last >> 1);
            } else {
                node = _nodeOf(node, path[i]);
            }
            (index, last) = (index >> 1, last >> 1);
        }
        return last == 0 && node == root;
    }

    function _nodeOf(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
