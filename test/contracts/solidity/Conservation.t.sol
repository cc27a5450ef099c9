// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Job, JobState, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {JobWalk} from "./JobWalk.sol";

/// No coin is made, lost or stuck, whatever the parties do.
contract ConservationTest is JobWalk {
    function setUp() public {
        _open();
    }

    function testFuzz_NoWalkMakesOrLosesACoin(uint256 seed) public {
        _seed(seed);
        for (uint256 i = 0; i < 60; i++) this.step();
        _check();
    }

    /// The walks are not all refusals: one goes on until a job is Completed.
    function test_AWalkCompletesAJob() public {
        _seed(2);
        uint256 completed = 0;
        for (uint256 i = 0; i < 600 && completed == 0; i++) {
            this.step();
            if (i % 10 == 0) completed = this.completedJobs();
        }
        require(completed > 0, "no job was completed");
        _check();
    }

    /// Calls of their own, so that the memory of a step is freed after it.
    function step() external {
        _step();
    }

    function completedJobs() external view returns (uint256 completed) {
        uint256 count = jobs.jobCount();
        for (uint256 jobId = 1; jobId <= count; jobId++) {
            if (jobs.job(jobId).state == JobState.Completed) completed++;
        }
    }

    function _check() private view {
        uint256 owed = jobs.openEscrow();
        for (uint256 i = 0; i < accounts.length; i++) owed += jobs.withdrawable(accounts[i]);
        require(address(jobs).balance == owed, "balance differs from what is owed");
        uint256 open = 0;
        uint256 burned = 0;
        uint256 locks = 0;
        uint256 count = jobs.jobCount();
        for (uint256 jobId = 1; jobId <= count; jobId++) {
            Job memory job = jobs.job(jobId);
            Payouts memory due = job.payouts;
            uint256 sum = due.workers + due.evaluators + due.burned + due.validators + due.refund;
            require(sum == due.escrow, "payouts do not sum to the escrow");
            if (job.state < JobState.Completed) {
                open += job.reward;
                locks += _locksOf(jobId, job);
            } else {
                require(due.escrow == job.reward, "the escrow was not divided");
                require(jobs.receiptHash(jobId) == keccak256(abi.encode(jobs.jobReceipt(jobId))), "receipt changed");
            }
            burned += due.burned;
        }
        require(open == jobs.openEscrow(), "open escrow");
        require(burned == jobs.totalBurned(), "burned");
        _checkStake(locks);
    }

    /// What an open job holds locked: its volunteers or workers, and its evaluators once drawn.
    function _locksOf(uint256 jobId, Job memory job) private view returns (uint256) {
        uint256 staked = job.state == JobState.Open ? jobs.volunteersOf(jobId).length : jobs.workersOf(jobId).length;
        uint256 drawn = uint8(job.phase) > 1 ? jobs.evaluatorsOf(jobId).length : 0;
        return staked * job.post.workerStake + drawn * job.parameters.minEvaluatorStake;
    }

    function _checkStake(uint256 locks) private view {
        uint256 staked = 0;
        uint256 locked = 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            staked += staking.stakeOf(accounts[i]);
            locked += staking.lockedOf(accounts[i]);
            require(staking.getVotes(accounts[i]) == staking.stakeOf(accounts[i]), "votes differ from stake");
        }
        require(address(staking).balance == staked, "stake is not covered");
        require(locked == locks, "stake is locked by no job");
    }
}
