// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accrual, Job, JobState, Payouts} from "../../../contracts/interfaces/JobTypes.sol";
import {Fate, Trace} from "../../../contracts/interfaces/WorkTypes.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
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

    /// The walks are not all refusals: this one goes on until a job is Completed, with traces opened and void.
    function test_AWalkCompletesAJob() public {
        _seed(4);
        uint256 completed = 0;
        for (uint256 i = 0; i < 600 && completed == 0; i++) {
            this.step();
            if (i % 10 == 0) completed = this.completedJobs();
        }
        require(completed > 0, "no job was completed");
        require(this.tracesOf(Fate.Opened) > 0 && this.tracesOf(Fate.Void) > 0, "no trace was opened, or none void");
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

    function tracesOf(Fate fate) external view returns (uint256 traces) {
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) if (work.traceOf(id).fate == fate) traces++;
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
            _checkAccrual(jobId, job);
            if (job.state < JobState.Completed) {
                open += job.reward - job.accrued.burned;
                locks += _locksOf(jobId, job);
            } else {
                require(due.escrow == job.reward, "the escrow was not divided");
                require(jobs.receiptHash(jobId) == keccak256(abi.encode(jobs.jobReceipt(jobId))), "receipt changed");
            }
            burned += job.accrued.burned;
        }
        require(open == jobs.openEscrow(), "open escrow");
        require(burned == jobs.totalBurned() + _checkWork(), "burned");
        _checkStake(locks);
    }

    /// What is due is the sum of the units of the traces.
    function _checkAccrual(uint256 jobId, Job memory job) private view {
        (uint256 rounds, uint256 slots) = (job.post.rounds, job.post.workers);
        Accrual memory sum;
        for (uint256 unit = 0; unit < rounds * slots; unit++) {
            (bool committed, uint256 id, bool lost) =
                jobs.traceOf(jobId, uint32(unit / slots), uint8(unit % slots));
            if (!committed) continue;
            require(lost == (work.traceOf(id).fate == Fate.Void), "a fate and its job differ");
            (uint256 workers, uint256 burned, uint256 validators) =
                Settlement.unitOf(job.reward, job.parameters, unit, rounds * slots);
            if (!lost) sum.workers += uint128(workers);
            sum.burned += uint128(burned);
            sum.validators += uint128(validators);
            sum.traces++;
        }
        Accrual memory accrued = job.accrued;
        require(accrued.workers == sum.workers && accrued.validators == sum.validators, "accrued");
        require(accrued.burned == sum.burned && accrued.traces == sum.traces, "fees");
        if (job.state >= JobState.Completed) {
            require(job.payouts.workers == sum.workers && job.payouts.burned == sum.burned, "paid otherwise");
        }
    }

    /// The fees that UsefulWork got are burned, paid out, owed or in a pool; returns them.
    function _checkWork() private view returns (uint256 fees) {
        uint256 owed = work.openPools();
        for (uint256 i = 0; i < accounts.length; i++) owed += work.withdrawable(accounts[i]);
        require(address(work).balance == owed, "balance of UsefulWork differs from what it owes");
        uint256 count = work.traceCount();
        for (uint256 id = 0; id < count; id++) {
            Trace memory trace = work.traceOf(id);
            fees += trace.weight;
            require(trace.upTo == fees, "prefix sums");
            if (jobs.job(trace.jobId).state < JobState.Completed) continue;
            require(trace.fate != Fate.Drawn, "settled before the draw was");
        }
        require(fees == work.totalBurned() + owed + workPaid, "fees are lost");
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
