// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Bls} from "./libraries/Bls.sol";
import {Burn} from "./libraries/Burn.sol";
import {SignBytes} from "./libraries/SignBytes.sol";

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
    uint256 private constant BPS = 10_000;

    StakingParameters private _parameters;
    mapping(address account => Checkpoints.Trace208) private _stakes;
    mapping(address account => uint256) private _locked;
    mapping(address locker => mapping(address account => uint256)) private _lockedBy;
    mapping(address account => Unbond[]) private _unbonds;
    mapping(address account => uint256) private _rewards;
    mapping(address locker => bool) public isLocker;
    Validator[] private _validators;
    mapping(address account => bool) public isValidator;
    /// By hash of the compressed key. A key stays its account's for ever, jailed or not.
    mapping(bytes32 keyHash => address) private _accountOf;
    /// @inheritdoc IStaking
    mapping(address account => bool) public isJailed;
    mapping(bytes32 offence => bool) private _punished;
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
        uint256 taken = Math.min(amount, stakeOf(account));
        _decreaseStake(account, taken);
        _destroy(account, taken, reporter, reason);
    }

    /// @inheritdoc IStaking
    function reportEquivocation(Equivocation calldata evidence) external returns (uint256 slashed) {
        bytes32 keyHash = keccak256(Bls.compress(evidence.publicKey));
        address account = _accountOf[keyHash];
        if (account == address(0)) revert StakingUnknownKey(keyHash);
        (MessageKind kind, uint64 height, uint32 round) = (evidence.kind, evidence.height, evidence.round);
        uint256 window = _parameters.evidenceWindowBlocks;
        uint256 from = block.number > window ? block.number - window : 0;
        if (height < from || height > block.number) revert StakingEvidenceOutsideWindow(height, from, block.number);
        bytes32 offence = _offence(account, kind, height, round);
        if (_punished[offence]) revert StakingEvidenceUsed(account, kind, height, round);
        bytes memory first = SignBytes.ofMessage(kind, height, round, evidence.first);
        bytes memory second = SignBytes.ofMessage(kind, height, round, evidence.second);
        if (keccak256(first) == keccak256(second)) revert StakingNoContradiction();
        if (!Bls.verify(evidence.publicKey, first, evidence.first.signature)) revert StakingBadSignature(false);
        if (!Bls.verify(evidence.publicKey, second, evidence.second.signature)) revert StakingBadSignature(true);
        _punished[offence] = true;
        emit EquivocationProven(account, kind, height, round, msg.sender);
        if (!isJailed[account]) {
            isJailed[account] = true;
            emit Jailed(account);
        }
        slashed = _cutShare(account, _parameters.equivocationBps);
        _destroy(account, slashed, msg.sender, "equivocation");
    }

    /// @inheritdoc IStaking
    function registerValidator(bytes calldata publicKey, bytes calldata proofOfPossession) external {
        if (!_parameters.admissionOpen) revert StakingAdmissionClosed();
        _registerValidator(msg.sender, publicKey, proofOfPossession);
    }

    /// @inheritdoc IStaking
    function registerValidatorFor(address account, bytes calldata publicKey, bytes calldata proofOfPossession)
        external
        onlyOwner
    {
        _registerValidator(account, publicKey, proofOfPossession);
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
        // A slash for equivocation may leave less than is locked.
        return Math.saturatingSub(stakeOf(account), _locked[account]);
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
    function isPunished(address account, MessageKind kind, uint64 height, uint32 round) external view returns (bool) {
        return _punished[_offence(account, kind, height, round)];
    }

    /// @inheritdoc IStaking
    function validators() external view returns (ValidatorInfo[] memory active) {
        uint256 count = 0;
        active = new ValidatorInfo[](_validators.length);
        for (uint256 i = 0; i < _validators.length; i++) {
            uint256 stake = stakeOf(_validators[i].account);
            if (stake == 0 || isJailed[_validators[i].account]) continue;
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

    /// Takes the share from the stake, whoever has locks on it, and from what is on its way out.
    function _cutShare(address account, uint256 bps) private returns (uint256 taken) {
        taken = Math.mulDiv(stakeOf(account), bps, BPS);
        _decreaseStake(account, taken);
        Unbond[] storage unbonds = _unbonds[account];
        for (uint256 i = 0; i < unbonds.length; i++) {
            if (unbonds[i].releaseHeight <= block.number) continue;
            uint256 cut = Math.mulDiv(unbonds[i].amount, bps, BPS);
            unbonds[i].amount -= SafeCast.toUint192(cut);
            taken += cut;
        }
    }

    /// Rewards the reporter with its share of what was taken and burns the rest.
    function _destroy(address account, uint256 taken, address reporter, bytes32 reason) private {
        uint256 reward = reporter == address(0) ? 0 : Math.mulDiv(taken, _parameters.reporterBps, BPS);
        _rewards[reporter] += reward;
        totalBurned += taken - reward;
        emit Slashed(account, taken, reporter, reward, reason);
        Burn.burn(taken - reward);
    }

    function _offence(address account, MessageKind kind, uint64 height, uint32 round) private pure returns (bytes32) {
        return keccak256(abi.encode(account, kind, height, round));
    }

    function _release(address account, uint256 amount) private {
        uint256 locked = _lockedBy[msg.sender][account];
        if (locked < amount) revert StakingInsufficientLocked(account, locked, amount);
        _lockedBy[msg.sender][account] = locked - amount;
        _locked[account] -= amount;
    }

    function _registerValidator(address account, bytes calldata publicKey, bytes calldata proofOfPossession) private {
        bytes memory compressed = Bls.compress(publicKey);
        bytes32 keyHash = keccak256(compressed);
        if (isValidator[account]) revert StakingValidatorExists(account);
        if (_accountOf[keyHash] != address(0)) revert StakingKeyInUse(keyHash);
        if (_validators.length >= MAX_VALIDATORS) revert StakingTooManyValidators(MAX_VALIDATORS);
        if (stakeOf(account) < _parameters.minValidatorStake) {
            revert StakingBelowMinimum(stakeOf(account), _parameters.minValidatorStake);
        }
        bytes memory message = SignBytes.ofPossession(account, compressed);
        if (!Bls.verify(publicKey, message, proofOfPossession)) revert StakingBadProof(account);
        isValidator[account] = true;
        _accountOf[keyHash] = account;
        _validators.push(Validator(account, compressed));
        emit ValidatorRegistered(account, compressed, proofOfPossession);
    }

    function _setParameters(StakingParameters memory value) private {
        if (
            value.reporterBps > BPS || value.equivocationBps > BPS || value.minValidatorStake == 0
                || value.evidenceWindowBlocks >= value.unbondingBlocks
        ) revert StakingBadParameters();
        _parameters = value;
        emit StakingParametersSet(value);
    }

    /// Voting units of OpenZeppelin's Votes are the stake.
    function _getVotingUnits(address account) internal view override returns (uint256) {
        return stakeOf(account);
    }
}
