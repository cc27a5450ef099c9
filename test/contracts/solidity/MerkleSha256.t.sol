// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleSha256} from "../../../contracts/libraries/MerkleSha256.sol";
import {Sha256Tree} from "./Sha256Tree.sol";

contract MerkleSha256Test {
    function verify(bytes32 root, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return MerkleSha256.verify(root, leaf, index, count, path);
    }

    function test_TakesEveryLeafOfEveryTree() public view {
        for (uint256 count = 1; count <= 12; count++) {
            bytes32[] memory leaves = _leaves(count, "seed");
            bytes32 root = Sha256Tree.root(leaves);
            for (uint256 index = 0; index < count; index++) {
                assert(this.verify(root, leaves[index], index, count, Sha256Tree.path(leaves, index)));
            }
        }
    }

    function testFuzz_RefusesAnythingElse(bytes32 seed, uint8 size, uint8 place, uint8 other) public view {
        uint256 count = uint256(size) % 20 + 2;
        uint256 index = place % count;
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = Sha256Tree.root(leaves);
        bytes32[] memory path = Sha256Tree.path(leaves, index);
        assert(this.verify(root, leaves[index], index, count, path));
        assert(!this.verify(~root, leaves[index], index, count, path));
        assert(!this.verify(root, ~leaves[index], index, count, path));
        uint256 wrong = other % count;
        if (wrong != index) assert(!this.verify(root, leaves[index], wrong, count, path));
        assert(!this.verify(root, leaves[index], count, count, path));
        bytes32[] memory longer = new bytes32[](path.length + 1);
        bytes32[] memory shorter = new bytes32[](path.length - 1);
        for (uint256 i = 0; i < path.length; i++) {
            longer[i] = path[i];
            if (i > 0) shorter[i - 1] = path[i];
        }
        assert(!this.verify(root, leaves[index], index, count, longer));
        assert(!this.verify(root, leaves[index], index, count, shorter));
        path[other % path.length] = ~path[other % path.length];
        assert(!this.verify(root, leaves[index], index, count, path));
    }

    function _leaves(uint256 count, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) leaves[i] = MerkleSha256.leafOf(keccak256(abi.encode(seed, i)));
    }
}
