// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Burn} from "./libraries/Burn.sol";

/// @title Stake, locks, slashing, votes and the validator list
contract Staking is IStaking, Ownable, Votes, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;

    struct Unbond {
        uint192 amount;
        uint64 releaseHeight;
    }

    struct Validator {
        address account;
        bytes blsPublicKey;
    }

    /// Bounds the loop over the set in settlements and in the consensus client.
    uint256 public constant MAX_VALIDATORS = 100;
    /// Bounds the loop of a withdrawal; more requests in the same block are merged.
    uint256 public constant MAX_UNBONDS = 16;
    uint256 private constant BLS_PUBLIC_KEY_BYTES = 48;
    uint256 private constant BLS_SIGNATURE_BYTES = 96;

    StakingParameters private _parameters;
    mapping(address account => Checkpoints.Trace208) private _stakes;
    mapping(address account => uint256) private _locked;
    mapping(address locker => mapping(address account => uint256)) private _lockedBy;
    mapping(address account => Unbond[]) private _unbonds;
    mapping(address account => uint256) private _rewards;
    mapping(address locker => bool) public isLocker;
    Validator[] private _validators;
    mapping(address account => bool) public isValidator;
    mapping(bytes32 keyHash => bool) private _keyInUse;
    /// @inheritdoc IStaking
    uint256 public totalBurned;

    constructor(address owner_, StakingParameters memory value) Ownable(owner_) EIP712("fedai-staking", "1") {
        _setParameters(value);
    }

    modifier onlyLocker() {
        if (!isLocker[msg.sender]) revert StakingNotLocker(msg.sender);
        _;
    }

    /// @inheritdoc IStaking
    function deposit() external payable {
        _deposit(msg.sender);
    }

    /// @inheritdoc IStaking
    function depositFor(address account) external payable {
        _deposit(account);
    }

    /// @inheritdoc IStaking
    function requestUnbond(uint256 amount) external {
        if (amount == 0) revert StakingZeroAmount();
        uint256 free = freeStakeOf(msg.sender);
        if (free < amount) revert StakingInsufficientFree(msg.sender, free, amount);
        uint64 releaseHeight = uint64(block.number + _parameters.unbondingBlocks);
        Unbond[] storage unbonds = _unbonds[msg.sender];
        uint256 count = unbonds.length;
        if (count > 0 && unbonds[count - 1].releaseHeight == releaseHeight) {
            unbonds[count - 1].amount += SafeCast.toUint192(amount);
        } else {
            if (count >= MAX_UNBONDS) revert StakingTooManyUnbonds(msg.sender, MAX_UNBONDS);
            unbonds.push(Unbond(SafeCast.toUint192(amount), releaseHeight));
        }
        _decreaseStake(msg.sender, amount);
        emit UnbondRequested(msg.sender, amount, releaseHeight);
    }

    /// @inheritdoc IStaking
    function withdrawUnbonded() external nonReentrant returns (uint256 amount) {
        amount = _rewards[msg.sender];
        _rewards[msg.sender] = 0;
        Unbond[] storage unbonds = _unbonds[msg.sender];
        for (uint256 i = unbonds.length; i > 0; i--) {
            if (unbonds[i - 1].releaseHeight > block.number) continue;
            amount += unbonds[i - 1].amount;
            unbonds[i - 1] = unbonds[unbonds.length - 1];
            unbonds.pop();
        }
        if (amount == 0) revert StakingNothingToWithdraw(msg.sender);
        emit Withdrawn(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert StakingTransferFailed(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function lock(address account, uint256 amount) external onlyLocker {
        uint256 free = freeStakeOf(account);
        if (free < amount) revert StakingInsufficientFree(account, free, amount);
        _locked[account] += amount;
        _lockedBy[msg.sender][account] += amount;
        emit Locked(msg.sender, account, amount);
    }

    /// @inheritdoc IStaking
    function unlock(address account, uint256 amount) external onlyLocker {
        _release(account, amount);
        emit Unlocked(msg.sender, account, amount);
    }

    /// @inheritdoc IStaking
    function slash(address account, uint256 amount, address reporter, bytes32 reason) external onlyLocker {
        _release(account, amount);
        _decreaseStake(account, amount);
        uint256 reward = reporter == address(0) ? 0 : (amount * _parameters.reporterBps) / 10_000;
        _rewards[reporter] += reward;
        totalBurned += amount - reward;
        emit Slashed(account, amount, reporter, reward, reason);
        Burn.burn(amount - reward);
    }

    /// @inheritdoc IStaking
    function registerValidator(bytes calldata blsPublicKey, bytes calldata proofOfPossession) external {
        if (!_parameters.admissionOpen) revert StakingAdmissionClosed();
        _registerValidator(msg.sender, blsPublicKey, proofOfPossession);
    }

    /// @inheritdoc IStaking
    function registerValidatorFor(address account, bytes calldata blsPublicKey, bytes calldata proofOfPossession)
        external
        onlyOwner
    {
        _registerValidator(account, blsPublicKey, proofOfPossession);
    }

    /// @inheritdoc IStaking
    function setLocker(address locker, bool allowed) external onlyOwner {
        isLocker[locker] = allowed;
        emit LockerSet(locker, allowed);
    }

    /// @inheritdoc IStaking
    function setParameters(StakingParameters calldata value) external onlyOwner {
        _setParameters(value);
    }

    /// @inheritdoc IStaking
    function parameters() external view returns (StakingParameters memory) {
        return _parameters;
    }

    /// @inheritdoc IStaking
    function stakeOf(address account) public view returns (uint256) {
        return _stakes[account].latest();
    }

    /// @inheritdoc IStaking
    function pastStakeOf(address account, uint256 height) external view returns (uint256) {
        return _stakes[account].upperLookupRecent(_validateTimepoint(height));
    }

    /// @inheritdoc IStaking
    function lockedOf(address account) external view returns (uint256) {
        return _locked[account];
    }

    /// @inheritdoc IStaking
    function freeStakeOf(address account) public view returns (uint256) {
        return stakeOf(account) - _locked[account];
    }

    /// @inheritdoc IStaking
    function unbondingOf(address account) external view returns (uint256 matured, uint256 pending) {
        matured = _rewards[account];
        Unbond[] storage unbonds = _unbonds[account];
        for (uint256 i = 0; i < unbonds.length; i++) {
            if (unbonds[i].releaseHeight > block.number) pending += unbonds[i].amount;
            else matured += unbonds[i].amount;
        }
    }

    /// @inheritdoc IStaking
    function validators() external view returns (ValidatorInfo[] memory active) {
        uint256 count = 0;
        active = new ValidatorInfo[](_validators.length);
        for (uint256 i = 0; i < _validators.length; i++) {
            uint256 stake = stakeOf(_validators[i].account);
            if (stake == 0) continue;
            active[count++] = ValidatorInfo(_validators[i].account, _validators[i].blsPublicKey, stake);
        }
        assembly ("memory-safe") {
            mstore(active, count)
        }
    }

    function _deposit(address account) private {
        if (msg.value == 0) revert StakingZeroAmount();
        if (delegates(account) == address(0)) _delegate(account, account);
        _stakes[account].push(clock(), SafeCast.toUint208(stakeOf(account) + msg.value));
        _transferVotingUnits(address(0), account, msg.value);
        emit Deposited(account, msg.sender, msg.value);
    }

    function _decreaseStake(address account, uint256 amount) private {
        _stakes[account].push(clock(), SafeCast.toUint208(stakeOf(account) - amount));
        _transferVotingUnits(account, address(0), amount);
    }

    function _release(address account, uint256 amount) private {
        uint256 locked = _lockedBy[msg.sender][account];
        if (locked < amount) revert StakingInsufficientLocked(account, locked, amount);
        _lockedBy[msg.sender][account] = locked - amount;
        _locked[account] -= amount;
    }

    function _registerValidator(address account, bytes calldata blsPublicKey, bytes calldata proofOfPossession) private {
        if (blsPublicKey.length != BLS_PUBLIC_KEY_BYTES) {
            revert StakingBadKeyLength(blsPublicKey.length, BLS_PUBLIC_KEY_BYTES);
        }
        if (proofOfPossession.length != BLS_SIGNATURE_BYTES) {
            revert StakingBadKeyLength(proofOfPossession.length, BLS_SIGNATURE_BYTES);
        }
        if (isValidator[account]) revert StakingValidatorExists(account);
        if (_keyInUse[keccak256(blsPublicKey)]) revert StakingKeyInUse(keccak256(blsPublicKey));
        if (_validators.length >= MAX_VALIDATORS) revert StakingTooManyValidators(MAX_VALIDATORS);
        if (stakeOf(account) < _parameters.minValidatorStake) {
            revert StakingBelowMinimum(stakeOf(account), _parameters.minValidatorStake);
        }
        isValidator[account] = true;
        _keyInUse[keccak256(blsPublicKey)] = true;
        _validators.push(Validator(account, blsPublicKey));
        emit ValidatorRegistered(account, blsPublicKey, proofOfPossession);
    }

    function _setParameters(StakingParameters memory value) private {
        if (value.reporterBps > 10_000 || value.minValidatorStake == 0) revert StakingBadParameters();
        _parameters = value;
        emit StakingParametersSet(value);
    }

    /// Voting units of OpenZeppelin's Votes are the stake.
    function _getVotingUnits(address account) internal view override returns (uint256) {
        return stakeOf(account);
    }
}
