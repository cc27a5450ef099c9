// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BeaconHistory} from "../../../contracts/BeaconHistory.sol";
import {JobManager} from "../../../contracts/JobManager.sol";
import {Staking} from "../../../contracts/Staking.sol";
import {WorkerRegistry} from "../../../contracts/WorkerRegistry.sol";
import {IUsefulWork} from "../../../contracts/interfaces/IUsefulWork.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {ITrainingCourt} from "../../../contracts/interfaces/ITrainingCourt.sol";
import {Deadlines, JobPost, Parameters} from "../../../contracts/interfaces/JobTypes.sol";
import {vm} from "./Vm.sol";

/// A client that, while it is paid, asks again by every way that pays.
contract Thief {
    JobManager private immutable JOBS;
    Staking private immutable STAKING;
    uint256 public entered;
    uint256 public succeeded;

    constructor(JobManager jobs, Staking staking) payable {
        (JOBS, STAKING) = (jobs, staking);
    }

    function postAndCancel(JobPost calldata post, uint256 reward) external {
        JOBS.cancelJob(JOBS.postJob{value: reward}(post));
    }

    function stakeAndUnbond(uint256 amount) external {
        STAKING.deposit{value: amount}();
        STAKING.requestUnbond(amount);
    }

    function collect() external {
        JOBS.withdraw();
    }

    function collectStake() external {
        STAKING.withdrawUnbonded();
    }

    receive() external payable {
        entered++;
        if (entered > 4) return;
        try JOBS.withdraw() {
            succeeded++;
        } catch {}
        try STAKING.withdrawUnbonded() {
            succeeded++;
        } catch {}
    }
}

contract ReentrancyTest {
    uint256 private constant REWARD = 1 ether;
    Staking private staking;
    JobManager private jobs;
    Thief private thief;

    function setUp() public {
        staking = new Staking(address(this), IStaking.StakingParameters(5, 4, 0, 0, false, 1 ether));
        WorkerRegistry registry = new WorkerRegistry(address(this), staking, 10 ether);
        Parameters memory terms =
            Parameters(9_000, 400, 400, 100, 1_000, 100, 2, 8, 100, 1 ether, 10 ether, 1, 100, 10_000, 100, 3_000, 0);
        (IUsefulWork work, ITrainingCourt court) = (IUsefulWork(address(0)), ITrainingCourt(address(0)));
        jobs = new JobManager(address(this), staking, registry, new BeaconHistory(), work, court, terms);
        staking.setLocker(address(jobs), true);
        vm.deal(address(this), 100 ether);
        thief = new Thief{value: 10 ether}(jobs, staking);
        // Money of others that a second payment would be taken from.
        jobs.postJob{value: 5 * REWARD}(_post());
        staking.deposit{value: 5 ether}();
    }

    function test_withdrawPaysOnce() public {
        thief.postAndCancel(_post(), REWARD);
        require(address(thief).balance == 10 ether - REWARD, "not posted");
        thief.collect();
        _requireHonest(5 * REWARD, 5 ether);
    }

    function test_withdrawUnbondedPaysOnce() public {
        thief.stakeAndUnbond(1 ether);
        vm.roll(block.number + 10);
        thief.collectStake();
        _requireHonest(5 * REWARD, 5 ether);
    }

    function _requireHonest(uint256 escrow, uint256 stake) private view {
        require(thief.entered() == 1 && thief.succeeded() == 0, "paid again");
        require(address(thief).balance == 10 ether, "thief gained or lost");
        require(address(jobs).balance == escrow && address(staking).balance == stake, "others' money is gone");
    }

    function _post() private pure returns (JobPost memory post) {
        post.documentCid = "cid";
        post.documentHash = "document";
        (post.workers, post.evaluators, post.rounds, post.mode) = (1, 3, 1, 1);
        post.testKeyCommitment = "key";
        post.workerStake = 1 ether;
        post.deadlines = Deadlines(10, 10, 10, 10, 10, 10);
        post.segments = 1;
    }
}
