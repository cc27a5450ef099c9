// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who offers to work
/// @notice Roles, peer id, reader key, manifest and capability bands of workers and evaluators, and the reputation that
/// recorders (JobManager) write. Owns no stake.
interface IWorkerRegistry {
    struct Node {
        uint8 roles; // bit 0 worker, bit 1 evaluator
        uint32 bands;
        uint64 evaluatorSince; // block; zero when not an evaluator
        bytes32 readerKey; // X25519 public key to which data keys are wrapped
        bytes32 manifestHash;
        bytes peerId;
    }

    struct Reputation {
        uint32 jobs; // settled jobs served as a worker
        uint32 rounds; // training rounds contributed to
        uint32 scoresAgreed;
        uint32 scoresFailed; // outlier or absent
        uint32 slashes;
        uint256 slashedWei;
    }

    event NodeRegistered(
        address indexed account, uint8 roles, bytes peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands
    );
    event NodeUpdated(
        address indexed account, uint8 roles, bytes peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands
    );
    event NodeDeregistered(address indexed account);
    event WorkRecorded(address indexed account, uint256 rounds);
    event ScoreRecorded(address indexed account, bool agreed);
    event SlashRecorded(address indexed account, uint256 amount);
    event PermissionedSet(bool permissioned);
    event AllowedSet(address indexed account, bool allowed);
    event RecorderSet(address indexed recorder, bool allowed);
    event MinEvaluatorStakeSet(uint256 amount);

    error RegistryBadRoles(uint8 roles);
    error RegistryBadPeerId(uint256 length, uint256 limit);
    error RegistryBadReaderKey();
    error RegistryAlreadyRegistered(address account);
    error RegistryNotRegistered(address account);
    error RegistryNotAllowed(address account);
    error RegistryNotRecorder(address caller);
    error RegistryFull(uint256 limit);
    error RegistryTooLittleStake(address account, uint256 stake, uint256 minimum);
    error RegistryStakeSuffices(address account, uint256 stake, uint256 minimum);

    /// @param roles 1 worker, 2 evaluator, 3 both. Evaluators need the registry's minimum stake.
    /// @param peerId libp2p peer id, binary, at most 64 bytes.
    function register(uint8 roles, bytes calldata peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands) external;

    /// @notice Replaces the caller's entry. An evaluator that stays one keeps its seniority.
    function update(uint8 roles, bytes calldata peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands) external;

    function deregister() external;

    /// @notice Anyone may take an evaluator whose stake fell below the minimum off the evaluators' list.
    function evict(address account) external;

    function recordWork(address account, uint32 rounds) external;

    function recordScore(address account, bool agreed) external;

    function recordSlash(address account, uint256 amount) external;

    function setPermissioned(bool permissioned) external;

    function setAllowed(address account, bool allowed) external;

    function setRecorder(address recorder, bool allowed) external;

    function setMinEvaluatorStake(uint256 amount) external;

    function nodeOf(address account) external view returns (Node memory);

    function reputationOf(address account) external view returns (Reputation memory);

    /// @notice All evaluators (at most 128), in no particular order.
    function evaluators() external view returns (address[] memory);

    /// @notice Present evaluators that have been evaluators since the end of block `height` or earlier.
    function evaluatorsSince(uint256 height) external view returns (address[] memory);

    /// @notice Registered as a worker and, where the registry is permissioned, allowed.
    function isWorker(address account) external view returns (bool);

    function isEvaluator(address account) external view returns (bool);

    function permissioned() external view returns (bool);

    function isAllowed(address account) external view returns (bool);
}
