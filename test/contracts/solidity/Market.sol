// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BeaconHistory} from "../../../contracts/BeaconHistory.sol";
import {JobManager} from "../../../contracts/JobManager.sol";
import {UsefulWork} from "../../../contracts/UsefulWork.sol";
import {Staking} from "../../../contracts/Staking.sol";
import {TrainingCourt} from "../../../contracts/TrainingCourt.sol";
import {WorkerRegistry} from "../../../contracts/WorkerRegistry.sol";
import {IJobManager} from "../../../contracts/interfaces/IJobManager.sol";
import {CourtParameters} from "../../../contracts/interfaces/CourtTypes.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {ITrainingCourt} from "../../../contracts/interfaces/ITrainingCourt.sol";
import {Parameters} from "../../../contracts/interfaces/JobTypes.sol";
import {WorkParameters} from "../../../contracts/interfaces/WorkTypes.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {vm} from "./Vm.sol";

/// The contracts of a small market with its parties, and a source of chance.
abstract contract Market {
    uint256 internal constant WORKERS = 4;
    uint256 internal constant EVALUATORS = 6;
    uint128 internal constant BOND = 1 ether + 1;
    bytes32 internal constant TEST_KEY = "the test key of every job";
    BeaconHistory internal beacons;
    Staking internal staking;
    WorkerRegistry internal registry;
    JobManager internal jobs;
    UsefulWork internal work;
    TrainingCourt internal court;
    /// Taken out of UsefulWork so far.
    uint256 internal workPaid;
    /// Taken out of the court so far, and put in as bonds.
    uint256 internal courtPaid;
    uint256 internal bondsPut;
    address internal client;
    address[] internal accounts; // client, workers, evaluators, validators
    mapping(address account => uint256) internal _keys;
    uint256 private _chance;

    function _open() internal {
        beacons = new BeaconHistory();
        staking = new Staking(address(this), IStaking.StakingParameters(5, 4, 0, 0, false, 1 ether));
        registry = new WorkerRegistry(address(this), staking, 10 ether);
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 2);
        address judge = vm.computeCreateAddress(address(this), nonce + 1);
        WorkParameters memory terms = WorkParameters(3, 2, 2, 5_000, 1_000);
        work = new UsefulWork(address(this), IJobManager(predicted), beacons, ITrainingCourt(judge), terms);
        court = new TrainingCourt(
            address(this), IJobManager(predicted), work, staking, registry, beacons, _courtParameters()
        );
        jobs = new JobManager(address(this), staking, registry, beacons, work, court, _parameters());
        require(address(jobs) == predicted, "not where UsefulWork looks for it");
        staking.setLocker(address(jobs), true);
        staking.setLocker(judge, true);
        registry.setRecorder(address(jobs), true);
        registry.setRecorder(judge, true);
        client = _account(1, 0);
        for (uint256 i = 0; i < WORKERS; i++) _join(_account(2 + i, (i + 1) * 100 ether), 1);
        for (uint256 i = 0; i < EVALUATORS; i++) _join(_account(10 + i, (i + 1) * 100 ether), 2);
        for (uint256 i = 0; i < 3; i++) {
            address validator = _account(20 + i, (i + 1) * 1 ether);
            staking.registerValidatorFor(validator, BlsSigner.publicKey(i + 1), BlsSigner.possession(i + 1, validator));
        }
        vm.deal(client, 1e36);
    }

    function _parameters() internal pure returns (Parameters memory) {
        return Parameters(9_000, 400, 400, 100, 1_000, 100, 2, 8, 100, 1 ether, 10 ether, 1, 100, 10_000, 100, 3_000, 3);
    }

    function _courtParameters() private pure returns (CourtParameters memory) {
        return CourtParameters(7_000, 2_500, 500, 5_000, 2, 2, 2, 8, 4, 6, 1 ether, BOND);
    }

    function _account(uint256 key, uint256 stake) private returns (address account) {
        account = vm.addr(key);
        _keys[account] = key;
        accounts.push(account);
        if (stake == 0) return account;
        vm.deal(address(this), stake);
        staking.depositFor{value: stake}(account);
    }

    function _join(address account, uint8 roles) private {
        vm.prank(account);
        registry.register(roles, hex"00", "reader", 0, 1);
    }

    /// A number below `limit`, the next of this walk.
    function _random(uint256 limit) internal returns (uint256) {
        _chance = uint256(keccak256(abi.encode(_chance)));
        return _chance % limit;
    }

    function _seed(uint256 seed) internal {
        _chance = seed;
    }
}
