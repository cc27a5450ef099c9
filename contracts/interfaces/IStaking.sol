// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stake of validators, workers and evaluators
/// @notice One deposit serves all roles and carries votes (self-delegated on first deposit). Lockers (JobManager) tie
/// parts of it to jobs and may slash only what they locked. A validator that contradicts itself loses a share of everything
/// it has here, locked or unbonding too, and its place. Keys and signatures are BLS12-381; callers give points uncompressed
/// as EIP-2537 has them (128 and 256 bytes). Amounts in wei.
interface IStaking {
    struct ValidatorInfo {
        address account;
        bytes blsPublicKey; // 48 bytes, G1 compressed
        uint256 stake;
    }

    /// Governed. `reporterBps` of a slash goes to its reporter, the rest is burned.
    struct StakingParameters {
        uint32 unbondingBlocks; // more than the evidence window, so that stake does not leave before its fault is known
        uint32 evidenceWindowBlocks; // age up to which a contradiction is punished
        uint16 reporterBps;
        uint16 equivocationBps; // share of an equivocator's stake that is slashed for each offence
        bool admissionOpen; // may accounts register as validators themselves
        uint256 minValidatorStake;
    }

    enum MessageKind {
        Prevote,
        Precommit,
        Proposal
    }

    /// What one signed message says besides its height and round. `isBlock` is a vote's alone (false: nil, with a zero hash),
    /// `validRoundPlusOne` a proposal's alone.
    struct SignedContent {
        bool isBlock;
        bytes32 blockHash;
        uint32 validRoundPlusOne;
        bytes signature; // 256 bytes
    }

    /// Two messages of one key at the same height, round and kind. No correct validator signs both.
    struct Equivocation {
        bytes publicKey; // 128 bytes
        MessageKind kind;
        uint64 height;
        uint32 round;
        SignedContent first;
        SignedContent second;
    }

    event Deposited(address indexed account, address indexed from, uint256 amount);
    event UnbondRequested(address indexed account, uint256 amount, uint256 releaseHeight);
    event Withdrawn(address indexed account, uint256 amount);
    event Locked(address indexed locker, address indexed account, uint256 amount);
    event Unlocked(address indexed locker, address indexed account, uint256 amount);
    event Slashed(address indexed account, uint256 amount, address indexed reporter, uint256 reward, bytes32 reason);
    event LockerSet(address indexed locker, bool allowed);
    event ValidatorRegistered(address indexed account, bytes blsPublicKey, bytes proofOfPossession);
    event EquivocationProven(
        address indexed account, MessageKind kind, uint64 height, uint32 round, address indexed reporter
    );
    event Jailed(address indexed account);
    event StakingParametersSet(StakingParameters parameters);

    error StakingZeroAmount();
    error StakingInsufficientFree(address account, uint256 free, uint256 needed);
    error StakingInsufficientLocked(address account, uint256 locked, uint256 needed);
    error StakingTooManyUnbonds(address account, uint256 limit);
    error StakingNothingToWithdraw(address account);
    error StakingTransferFailed(address to, uint256 amount);
    error StakingNotLocker(address caller);
    error StakingAdmissionClosed();
    error StakingBadProof(address account);
    error StakingUnknownKey(bytes32 keyHash);
    error StakingEvidenceOutsideWindow(uint256 height, uint256 from, uint256 to);
    error StakingEvidenceUsed(address account, MessageKind kind, uint64 height, uint32 round);
    error StakingNoContradiction();
    error StakingBadSignature(bool second);
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

    /// @notice Slashes `equivocationBps` of the validator's stake and of everything it has unbonding, and jails it. Anyone may
    /// report; each (validator, kind, height, round) counts once, and only within the evidence window.
    function reportEquivocation(Equivocation calldata evidence) external returns (uint256 slashed);

    /// @notice Ties `amount` of the account's free stake to the calling locker.
    function lock(address account, uint256 amount) external;

    /// @notice Frees what the calling locker had locked.
    function unlock(address account, uint256 amount) external;

    /// @notice Destroys locked stake of the calling locker; `reporter` zero burns all of it. Takes what is left where an
    /// equivocation has taken some of it before.
    function slash(address account, uint256 amount, address reporter, bytes32 reason) external;

    /// @notice Registers the caller as a validator, when governance has opened admission. The proof of possession is the key's
    /// signature over "fedai-possession/1", the account and the compressed key.
    function registerValidator(bytes calldata publicKey, bytes calldata proofOfPossession) external;

    /// @notice The owner registers `account` as a validator (genesis, governance).
    function registerValidatorFor(address account, bytes calldata publicKey, bytes calldata proofOfPossession) external;

    function setLocker(address locker, bool allowed) external;

    function setParameters(StakingParameters calldata value) external;

    function parameters() external view returns (StakingParameters memory);

    function stakeOf(address account) external view returns (uint256);

    /// @notice Stake at the end of block `height`, which must be past.
    function pastStakeOf(address account, uint256 height) external view returns (uint256);

    function lockedOf(address account) external view returns (uint256);

    /// @notice Stake beyond the locks; zero where slashes have left less than is locked.
    function freeStakeOf(address account) external view returns (uint256);

    /// @notice What the account could withdraw now, and what is still unbonding.
    function unbondingOf(address account) external view returns (uint256 matured, uint256 pending);

    function totalBurned() external view returns (uint256);

    /// @notice Proven to have contradicted itself: for ever without a validator's place and its share of fees.
    function isJailed(address account) external view returns (bool);

    /// @notice Whether this offence has been punished.
    function isPunished(address account, MessageKind kind, uint64 height, uint32 round) external view returns (bool);

    /// @notice Validators with stake, in order of registration (at most 100), without the jailed. At genesis the index is the
    /// bit in vote bitmaps.
    function validators() external view returns (ValidatorInfo[] memory);
}
