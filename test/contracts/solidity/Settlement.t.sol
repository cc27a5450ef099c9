// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Parameters, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {vm} from "./Vm.sol";

contract SettlementTest {
    function _parameters(uint16 a, uint16 b, uint16 c) private pure returns (Parameters memory parameters) {
        a = a % 10_001;
        b = b % (10_001 - a);
        c = c % (10_001 - a - b);
        parameters.workersBps = a;
        parameters.evaluatorsBps = b;
        parameters.burnBps = c;
        parameters.validatorsBps = 10_000 - a - b - c;
    }

    function testFuzz_PayoutsSumToEscrow(
        uint128 escrow,
        uint16 a,
        uint16 b,
        uint16 c,
        uint32 done,
        uint32 planned,
        bool evaluatorsDue,
        bool validatorsExist
    ) public pure {
        vm.assume(planned > 0);
        done = uint32(uint256(done) % (uint256(planned) + 1));
        Parameters memory parameters = _parameters(a, b, c);
        Payouts memory due =
            Settlement.payouts(escrow, parameters, done, planned, evaluatorsDue, validatorsExist);
        assert(due.workers + due.evaluators + due.burned + due.validators + due.refund == escrow);
        if (done == 0 && !evaluatorsDue) assert(due.refund == escrow);
        if (done == planned && evaluatorsDue && validatorsExist) assert(due.refund == 0);
    }

    function testFuzz_RoundSharesSumToPool(uint128 pool, uint8 planned, uint8 contributors) public pure {
        vm.assume(planned > 0 && contributors > 0);
        uint256 sum = 0;
        for (uint256 round = 0; round < planned; round++) {
            uint256 share =
                Settlement.dueAfter(pool, round + 1, planned) - Settlement.dueAfter(pool, round, planned);
            uint256 split = 0;
            for (uint256 i = 0; i < contributors % 5 + 1; i++) {
                split += Settlement.equalShare(share, i, contributors % 5 + 1);
            }
            assert(split == share);
            sum += share;
        }
        assert(sum == pool);
    }

    function test_DefaultSplitOfOneCoin() public pure {
        Parameters memory parameters;
        (parameters.workersBps, parameters.evaluatorsBps) = (9_000, 500);
        (parameters.burnBps, parameters.validatorsBps) = (400, 100);
        Payouts memory due = Settlement.payouts(1 ether, parameters, 7, 7, true, true);
        assert(due.workers == 0.9 ether && due.evaluators == 0.05 ether);
        assert(due.burned == 0.04 ether && due.validators == 0.01 ether);
    }
}
