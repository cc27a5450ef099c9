// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IJobManager} from "../interfaces/IJobManager.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Accrual, Exit, Job, JobReceipt, JobState, Payouts, Phase} from "../interfaces/JobTypes.sol";
import {JobStorage} from "./JobStorage.sol";
import {Settlement} from "./Settlement.sol";

/// @title The end of a job
/// @notice Credits everyone, frees or slashes the workers' stake and writes the receipt. Which end a job
/// meets is decided by its callers, who have dealt with the evaluators' stake. Runs in JobManager's storage.
library JobSettlement {
    /// @dev Evaluators are due exactly when some agree. Work fees have left the escrow with the traces.
    function settle(JobStorage.Layout storage $, uint256 jobId, JobState state, Exit exit) external {
        Job storage job = $.jobs[jobId];
        Accrual memory accrued = job.accrued;
        // Until then a trace may still be found void, and its worker's stake must be there.
        if (block.number <= accrued.clearAt) {
            revert IJobManager.JobManagerTooEarly(jobId, uint256(accrued.clearAt) + 1);
        }
        if (address($.court) != address(0) && !$.court.close(jobId)) revert IJobManager.JobManagerInCourt(jobId);
        job.state = state;
        job.exit = exit;
        job.phase = Phase.None;
        job.deadline = 0;
        (IStaking.ValidatorInfo[] memory validators, uint256 validatorStake) = _validators($);
        address[] memory agreeing = $.agreeing[jobId];
        Payouts memory due = Settlement.payouts(
            job.reward, job.parameters, accrued, agreeing.length > 0, validatorStake > 0
        );
        job.payouts = due;
        $.openEscrow -= due.escrow - due.burned - due.auditors;
        _closeWorkers($, jobId, job);
        if (address($.work) != address(0)) $.work.release(jobId, $.workers[jobId]);
        for (uint256 i = 0; i < agreeing.length; i++) {
            _credit($, jobId, agreeing[i], Settlement.equalShare(due.evaluators, i, agreeing.length));
        }
        _creditValidators($, jobId, due.validators, validators, validatorStake);
        _credit($, jobId, job.client, due.refund);
        $.receiptHash[jobId] = keccak256(abi.encode(receipt($, jobId)));
        emit IJobManager.JobSettled(jobId, state, exit, due);
    }

    function receipt(JobStorage.Layout storage $, uint256 jobId) public view returns (JobReceipt memory record) {
        Job storage job = $.jobs[jobId];
        record.jobId = jobId;
        record.client = job.client;
        record.documentHash = job.post.documentHash;
        record.documentCid = job.post.documentCid;
        record.testKeyCommitment = job.post.testKeyCommitment;
        record.testRoot = job.post.testRoot;
        record.state = uint8(job.state);
        record.exit = uint8(job.exit);
        record.rounds = job.post.rounds;
        record.roundsFixed = job.roundsFixed;
        record.lastStateRoot = job.lastStateRoot;
        record.modelHash = job.modelHash;
        record.modelCid = job.modelCid;
        record.workers = $.workers[jobId];
        record.evaluators = $.evaluators[jobId];
        record.agreed = job.agreed;
        record.agreeing = $.agreeing[jobId];
        record.payouts = job.payouts;
    }

    function _validators(JobStorage.Layout storage $)
        private
        view
        returns (IStaking.ValidatorInfo[] memory validators, uint256 totalStake)
    {
        validators = $.staking.validators();
        for (uint256 i = 0; i < validators.length; i++) totalStake += validators[i].stake;
    }

    /// Pays what each slot has earned and frees its stake, less slashes: for lost traces, and for having committed none.
    function _closeWorkers(JobStorage.Layout storage $, uint256 jobId, Job storage job) private {
        address[] memory workers = $.workers[jobId];
        uint256 locked = job.post.workerStake;
        for (uint256 slot = 0; slot < workers.length; slot++) {
            JobStorage.SlotRecord memory done = $.slots[jobId][slot];
            (uint256 slashBps, bytes32 reason) = _slashOf(job, done);
            _release($, workers[slot], locked, slashBps, done.reporter, reason);
            $.registry.recordWork(workers[slot], done.contributions);
            _credit($, jobId, workers[slot], done.earned);
        }
    }

    function _slashOf(Job storage job, JobStorage.SlotRecord memory done)
        private
        view
        returns (uint256 slashBps, bytes32 reason)
    {
        if (done.voids > 0 || done.faults > 0) {
            uint256 sum = uint256(done.voids) * job.parameters.voidSlashBps
                + uint256(done.faults) * job.parameters.faultSlashBps;
            return (Math.min(sum, Settlement.BPS), done.faults > 0 ? bytes32("faulty trace") : bytes32("void trace"));
        }
        bool absent = done.contributions == 0 && job.roundsFixed > 0;
        if (absent) return (job.parameters.workerSlashBps, "absent");
    }

    /// @notice Frees `locked` of the account's stake, less a slash of `slashBps` of it, all burned.
    function release(JobStorage.Layout storage $, address account, uint256 locked, uint256 slashBps, bytes32 reason)
        public
    {
        _release($, account, locked, slashBps, address(0), reason);
    }

    /// A reporter gets Staking's share of the slash.
    function _release(
        JobStorage.Layout storage $,
        address account,
        uint256 locked,
        uint256 slashBps,
        address reporter,
        bytes32 reason
    ) private {
        uint256 slashed = Math.mulDiv(locked, slashBps, Settlement.BPS);
        if (slashed > 0) {
            $.staking.slash(account, slashed, reporter, reason);
            $.registry.recordSlash(account, slashed);
        }
        $.staking.unlock(account, locked - slashed);
    }

    /// In proportion to stake; the last takes the remainder.
    function _creditValidators(
        JobStorage.Layout storage $,
        uint256 jobId,
        uint256 amount,
        IStaking.ValidatorInfo[] memory validators,
        uint256 totalStake
    ) private {
        uint256 rest = amount;
        for (uint256 i = 0; i < validators.length; i++) {
            uint256 share =
                i + 1 == validators.length ? rest : Math.mulDiv(amount, validators[i].stake, totalStake);
            rest -= share;
            _credit($, jobId, validators[i].account, share);
        }
    }

    function _credit(JobStorage.Layout storage $, uint256 jobId, address account, uint256 amount) private {
        if (amount == 0) return;
        $.withdrawable[account] += amount;
        emit IJobManager.Credited(jobId, account, amount);
    }
}
