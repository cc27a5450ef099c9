// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accrual, Parameters, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {vm} from "./Vm.sol";

contract SettlementTest {
    function _parameters(uint16 a, uint16 b, uint16 c, uint16 d) private pure returns (Parameters memory parameters) {
        a = a % 10_001;
        b = b % (10_001 - a);
        c = c % (10_001 - a - b);
        parameters.workersBps = a;
        parameters.evaluatorsBps = b;
        parameters.burnBps = c;
        d = d % (10_001 - a - b - c);
        parameters.auditorsBps = d;
        parameters.fullAuditBps = d + a / 2;
        parameters.feeSegments = 60;
        parameters.validatorsBps = 10_000 - a - b - c - d;
    }

    function testFuzz_PayoutsSumToEscrow(
        uint128 escrow,
        uint16 a,
        uint16 b,
        uint16 c,
        uint16 d,
        uint64 committed,
        uint8 planned,
        bool evaluatorsDue,
        bool fullAudit
    ) public pure {
        uint256 units = uint256(planned) % 64 + 1;
        Parameters memory parameters = _parameters(a, b, c, d);
        Accrual memory accrued = _accrue(
            escrow,
            parameters,
            Settlement.auditorsBps(parameters, planned % 2 == 0, fullAudit, units),
            committed,
            units
        );
        Payouts memory due = Settlement.payouts(escrow, parameters, accrued, evaluatorsDue, true);
        uint256 parts = due.workers + due.evaluators + due.auditors + due.burned + due.validators;
        assert(parts + due.refund == escrow);
        uint64 all = uint64((uint256(1) << units) - 1);
        if (committed & all == 0 && !evaluatorsDue) assert(due.refund == escrow);
        if (committed & all == all && evaluatorsDue) assert(due.refund == 0);
    }

    function _accrue(uint256 escrow, Parameters memory parameters, uint256 auditsBps, uint64 committed, uint256 units)
        private
        pure
        returns (Accrual memory accrued)
    {
        for (uint256 unit = 0; unit < units; unit++) {
            if (committed & (1 << unit) == 0) continue;
            Settlement.Unit memory due = Settlement.unitOf(escrow, parameters, auditsBps, unit, units);
            accrued.workers += uint128(due.workers);
            accrued.auditors += uint128(due.auditors);
            accrued.burned += uint128(due.burned);
            accrued.validators += uint128(due.validators);
        }
    }

    /// At the documented cost of computing an audit never costs its auditors more than it pays: two of them execute one of n
    /// segments of every fifth trace, or all of each, for 1.02 times four fifths of the workers' pay.
    function test_AuditingAnHonestTraceNeverLoses() public pure {
        Parameters memory parameters;
        (parameters.workersBps, parameters.evaluatorsBps, parameters.auditorsBps) = (9_000, 400, 100);
        (parameters.burnBps, parameters.validatorsBps) = (400, 100);
        (parameters.fullAuditBps, parameters.feeSegments) = (6_000, 60);
        for (uint256 segments = 1; segments <= 300; segments++) {
            uint256 bps = Settlement.auditorsBps(parameters, true, false, segments);
            uint256 cost = Settlement.workersPool(1e24, parameters, bps) * 816 / 1000 / segments;
            // Below 60 segments a job's own traces pay: of four, that five times one is there in the mean to 59 %.
            assert(1e24 * bps / 10_000 * 5 / 2 * (segments < 60 ? 59 : 100) / 100 > cost);
        }
        uint256 full = Settlement.workersPool(1e24, parameters, 6_000) * 816 / 1000;
        assert(1e24 * 3 / 10 > full);
    }

    function testFuzz_UnitSharesSumToThePart(uint128 part, uint8 units) public pure {
        vm.assume(units > 0);
        uint256 sum = 0;
        for (uint256 unit = 0; unit < units; unit++) {
            uint256 share = Settlement.unitShare(part, unit, units);
            assert(share == part / units || share == part / units + 1);
            sum += share;
        }
        assert(sum == part);
    }

    function testFuzz_EqualSharesSumToTheAmount(uint128 amount, uint8 count) public pure {
        vm.assume(count > 0);
        uint256 sum = 0;
        for (uint256 i = 0; i < count; i++) sum += Settlement.equalShare(amount, i, count);
        assert(sum == amount);
    }

    function test_DefaultSplitOfOneCoin() public pure {
        Parameters memory parameters;
        (parameters.workersBps, parameters.evaluatorsBps, parameters.auditorsBps) = (9_000, 400, 100);
        (parameters.burnBps, parameters.validatorsBps) = (400, 100);
        Settlement.Unit memory unit = Settlement.unitOf(1 ether, parameters, 100, 0, 1);
        Accrual memory accrued = Accrual(
            uint128(unit.workers), uint128(unit.burned), uint128(unit.validators), uint128(unit.auditors), 0, 1, 0
        );
        Payouts memory due = Settlement.payouts(1 ether, parameters, accrued, true, true);
        assert(due.workers == 0.9 ether && due.evaluators == 0.04 ether && due.auditors == 0.01 ether);
        assert(due.burned == 0.04 ether && due.validators == 0.01 ether);
    }
}
