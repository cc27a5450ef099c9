// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Destroying coins
/// @notice The EVM has no instruction for it: coins go to the zero address, whose key nobody can know.
library Burn {
    error BurnFailed(uint256 amount);

    function burn(uint256 amount) internal {
        if (amount == 0) return;
        (bool sent,) = address(0).call{value: amount}("");
        if (!sent) revert BurnFailed(amount);
    }
}
