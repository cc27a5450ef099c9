// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStaking} from "../interfaces/IStaking.sol";

/// @title The exact bytes that validators sign
/// @notice Fixed width, as docs/protocol/consensus.md and the consensus client have them.
library SignBytes {
    /// domain 12 | chain id 32 | type 1 | height 8 | round 4 | block? 1 | block hash 32: 90 bytes; or
    /// domain 16 | chain id 32 | height 8 | round 4 | validRound + 1 4 | block hash 32: 96 bytes.
    function ofMessage(
        IStaking.MessageKind kind,
        uint64 height,
        uint32 round,
        IStaking.SignedContent calldata content
    ) internal view returns (bytes memory) {
        if (kind == IStaking.MessageKind.Proposal) {
            return abi.encodePacked(
                "fedai-proposal/1", block.chainid, height, round, content.validRoundPlusOne, content.blockHash
            );
        }
        uint8 voteType = kind == IStaking.MessageKind.Prevote ? 1 : 2;
        return abi.encodePacked(
            "fedai-vote/1", block.chainid, voteType, height, round, content.isBlock, content.blockHash
        );
    }

    /// Binds a key to its account, so that nobody registers a key that another one proved. 86 bytes.
    function ofPossession(address account, bytes memory compressedKey) internal pure returns (bytes memory) {
        return abi.encodePacked("fedai-possession/1", account, compressedKey);
    }
}
