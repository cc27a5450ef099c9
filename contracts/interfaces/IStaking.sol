// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stake of validators, workers and evaluators
/// @notice One deposit serves all roles and carries votes (self-delegated on first deposit). Lockers (JobManager) tie
/// parts of it to jobs and may slash only what they locked. Amounts in wei.
interface IStaking {
    struct ValidatorInfo {
        address account;
        bytes blsPublicKey; // 48 bytes, G1 compressed
        uint256 stake;
    }

    /// Governed. `reporterBps` of a slash goes to its reporter, the rest is burned.
    struct StakingParameters {
        uint32 unbondingBlocks;
        uint16 reporterBps;
        bool admissionOpen; // may accounts register as validators themselves
        uint256 minValidatorStake;
    }

    event Deposited(address indexed account, address indexed from, uint256 amount);
    event UnbondRequested(address indexed account, uint256 amount, uint256 releaseHeight);
    event Withdrawn(address indexed account, uint256 amount);
    event Locked(address indexed locker, address indexed account, uint256 amount);
    event Unlocked(address indexed locker, address indexed account, uint256 amount);
    event Slashed(address indexed account, uint256 amount, address indexed reporter, uint256 reward, bytes32 reason);
    event LockerSet(address indexed locker, bool allowed);
    event ValidatorRegistered(address indexed account, bytes blsPublicKey, bytes proofOfPossession);
    event StakingParametersSet(StakingParameters parameters);

    error StakingZeroAmount();
    error StakingInsufficientFree(address account, uint256 free, uint256 needed);
    error StakingInsufficientLocked(address account, uint256 locked, uint256 needed);
    error StakingTooManyUnbonds(address account, uint256 limit);
    error StakingNothingToWithdraw(address account);
    error StakingTransferFailed(address to, uint256 amount);
    error StakingNotLocker(address caller);
    error StakingAdmissionClosed();
    error StakingBadKeyLength(uint256 got, uint256 expected);
    error StakingValidatorExists(address account);
    error StakingKeyInUse(bytes32 keyHash);
    error StakingTooManyValidators(uint256 limit);
    error StakingBelowMinimum(uint256 stake, uint256 minimum);
    error StakingBadParameters();

    /// @notice Adds the value sent to the caller's stake.
    function deposit() external payable;

    /// @notice Adds the value sent to the stake of `account`.
    function depositFor(address account) external payable;

    /// @notice Takes `amount` of free stake out; it can be withdrawn after `unbondingBlocks`. Votes fall at once.
    function requestUnbond(uint256 amount) external;

    /// @notice Pays out matured unbondings and reporter's rewards to the caller.
    function withdrawUnbonded() external returns (uint256 amount);

    /// @notice Ties `amount` of the account's free stake to the calling locker.
    function lock(address account, uint256 amount) external;

    /// @notice Frees what the calling locker had locked.
    function unlock(address account, uint256 amount) external;

    /// @notice Destroys locked stake of the calling locker; `reporter` zero burns all of it.
    function slash(address account, uint256 amount, address reporter, bytes32 reason) external;

    /// @notice Registers the caller as a validator, when governance has opened admission.
    function registerValidator(bytes calldata blsPublicKey, bytes calldata proofOfPossession) external;

    /// @notice The owner registers `account` as a validator (genesis, governance).
    function registerValidatorFor(address account, bytes calldata blsPublicKey, bytes calldata proofOfPossession) external;

    function setLocker(address locker, bool allowed) external;

    function setParameters(StakingParameters calldata value) external;

    function parameters() external view returns (StakingParameters memory);

    function stakeOf(address account) external view returns (uint256);

    /// @notice Stake at the end of block `height`, which must be past.
    function pastStakeOf(address account, uint256 height) external view returns (uint256);

    function lockedOf(address account) external view returns (uint256);

    function freeStakeOf(address account) external view returns (uint256);

    /// @notice What the account could withdraw now, and what is still unbonding.
    function unbondingOf(address account) external view returns (uint256 matured, uint256 pending);

    function totalBurned() external view returns (uint256);

    /// @notice Validators with stake, in order of registration (at most 100). The index is the bit in vote bitmaps.
    function validators() external view returns (ValidatorInfo[] memory);
}
