// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Parameters, Payouts} from "../interfaces/JobTypes.sol";

/// @title The arithmetic of payment
/// @notice Pure: how an escrow divides, exact to the wei. Owns no balances.
library Settlement {
    uint256 internal constant BPS = 10_000;

    /// @notice What of `pool` is due after `done` of `planned` rounds. Differences of successive values are the shares of
    /// single rounds, so shares of any run of rounds sum exactly.
    function dueAfter(uint256 pool, uint256 done, uint256 planned) internal pure returns (uint256) {
        return Math.mulDiv(pool, done, planned);
    }

    /// @notice The workers' part of an escrow: all that the floored other parts leave.
    function workersPool(uint256 escrow, Parameters memory parameters) internal pure returns (uint256) {
        return escrow - _part(escrow, parameters.evaluatorsBps) - _part(escrow, parameters.burnBps)
            - _part(escrow, parameters.validatorsBps);
    }

    /// @notice Divides `escrow` after `done` of `planned` rounds; what is not due to anyone is the client's refund.
    function payouts(
        uint256 escrow,
        Parameters memory parameters,
        uint256 done,
        uint256 planned,
        bool evaluatorsDue,
        bool validatorsExist
    ) internal pure returns (Payouts memory due) {
        due.escrow = escrow;
        due.workers = dueAfter(workersPool(escrow, parameters), done, planned);
        due.burned = dueAfter(_part(escrow, parameters.burnBps), done, planned);
        if (evaluatorsDue) due.evaluators = _part(escrow, parameters.evaluatorsBps);
        if (validatorsExist) due.validators = dueAfter(_part(escrow, parameters.validatorsBps), done, planned);
        due.refund = escrow - due.workers - due.evaluators - due.burned - due.validators;
    }

    /// @notice Equal shares of `amount`; the first takes the remainder.
    function equalShare(uint256 amount, uint256 index, uint256 count) internal pure returns (uint256) {
        uint256 share = amount / count;
        return index == 0 ? share + (amount % count) : share;
    }

    function _part(uint256 escrow, uint256 bps) private pure returns (uint256) {
        return Math.mulDiv(escrow, bps, BPS);
    }
}
