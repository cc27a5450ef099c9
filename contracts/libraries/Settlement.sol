// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Accrual, Parameters, Payouts} from "../interfaces/JobTypes.sol";

/// @title The arithmetic of payment
/// @notice Pure: how an escrow divides, exact to the wei. Owns no balances.
library Settlement {
    uint256 internal constant BPS = 10_000;

    /// What the trace of one slot and round makes due.
    struct Unit {
        uint256 workers;
        uint256 auditors;
        uint256 burned;
        uint256 validators;
    }

    /// @notice The auditors' part. One segment is audited, whatever part of a round it is: the longer it is, the more.
    function auditorsBps(Parameters memory parameters, bool provable, bool fullAudit, uint256 segments)
        internal
        pure
        returns (uint256)
    {
        if (fullAudit) return parameters.fullAuditBps;
        if (!provable || segments >= parameters.feeSegments) return parameters.auditorsBps;
        uint256 bps = uint256(parameters.auditorsBps) * parameters.feeSegments / segments;
        return Math.min(bps, parameters.fullAuditBps);
    }

    /// @notice The share of unit `unit` of `units` in `part`: differences of floored sums, so that all units together are the
    /// part exactly.
    function unitShare(uint256 part, uint256 unit, uint256 units) internal pure returns (uint256) {
        return Math.mulDiv(part, unit + 1, units) - Math.mulDiv(part, unit, units);
    }

    /// @notice What the trace of one slot and round makes due. The auditors' part falls due only where there is a court.
    function unitOf(uint256 escrow, Parameters memory parameters, uint256 auditsBps, uint256 unit, uint256 units)
        internal
        pure
        returns (Unit memory due)
    {
        due.workers = unitShare(workersPool(escrow, parameters, auditsBps), unit, units);
        due.auditors = unitShare(_part(escrow, auditsBps), unit, units);
        due.burned = unitShare(_part(escrow, parameters.burnBps), unit, units);
        due.validators = unitShare(_part(escrow, parameters.validatorsBps), unit, units);
    }

    /// @notice The workers' part of an escrow: all that the floored other parts leave.
    function workersPool(uint256 escrow, Parameters memory parameters, uint256 auditsBps) internal pure returns (uint256) {
        return escrow - _part(escrow, parameters.evaluatorsBps) - _part(escrow, parameters.burnBps)
            - _part(escrow, parameters.validatorsBps) - _part(escrow, auditsBps);
    }

    /// @notice Divides `escrow` by what traces have made due; what is not due to anyone is the client's refund.
    function payouts(
        uint256 escrow,
        Parameters memory parameters,
        Accrual memory accrued,
        bool evaluatorsDue,
        bool validatorsExist
    ) internal pure returns (Payouts memory due) {
        due.escrow = escrow;
        due.workers = accrued.workers;
        due.auditors = accrued.auditors;
        due.burned = accrued.burned;
        if (evaluatorsDue) due.evaluators = _part(escrow, parameters.evaluatorsBps);
        if (validatorsExist) due.validators = accrued.validators;
        due.refund = escrow - due.workers - due.evaluators - due.auditors - due.burned - due.validators;
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
