// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// RFC 6962 trees as the RFC defines them, by recursion.
library Sha256Tree {
    function leaf(bytes32 data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"00", data));
    }

    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return _root(leaves, 0, leaves.length);
    }

    /// From the leaf up.
    function path(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](64);
        uint256 length = _path(leaves, index, 0, leaves.length, nodes);
        assembly ("memory-safe") {
            mstore(nodes, length)
        }
    }

    function _root(bytes32[] memory leaves, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 split = from + _splitPoint(to - from);
        return sha256(abi.encodePacked(hex"01", _root(leaves, from, split), _root(leaves, split, to)));
    }

    function _path(bytes32[] memory leaves, uint256 index, uint256 from, uint256 to, bytes32[] memory nodes)
        private
        pure
        returns (uint256 length)
    {
        if (to - from == 1) return 0;
        uint256 split = from + _splitPoint(to - from);
        bool left = index < split;
        length = left ? _path(leaves, index, from, split, nodes) : _path(leaves, index, split, to, nodes);
        nodes[length++] = left ? _root(leaves, split, to) : _root(leaves, from, split);
    }

    function _splitPoint(uint256 count) private pure returns (uint256 k) {
        k = 1;
        while (k * 2 < count) k *= 2;
    }
}
