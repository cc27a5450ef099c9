// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {IWorkerRegistry} from "./interfaces/IWorkerRegistry.sol";

/// @title Who offers to work, and how they did
contract WorkerRegistry is IWorkerRegistry, Ownable {
    uint8 private constant ROLE_WORKER = 1;
    uint8 private constant ROLE_EVALUATOR = 2;
    /// Bounds the loop of an evaluator draw.
    uint256 public constant MAX_EVALUATORS = 128;
    /// A binary libp2p peer id of any key type in use fits.
    uint256 public constant MAX_PEER_ID_BYTES = 64;

    IStaking public immutable STAKING;
    /// @inheritdoc IWorkerRegistry
    bool public permissioned;
    uint256 public minEvaluatorStake;
    mapping(address account => bool) public isAllowed;
    mapping(address recorder => bool) public isRecorder;
    mapping(address account => Node) private _nodes;
    mapping(address account => Reputation) private _reputations;
    address[] private _evaluators;
    mapping(address account => uint256) private _evaluatorPosition; // index + 1

    constructor(address owner_, IStaking staking, uint256 minEvaluatorStake_) Ownable(owner_) {
        STAKING = staking;
        minEvaluatorStake = minEvaluatorStake_;
    }

    modifier onlyRecorder() {
        if (!isRecorder[msg.sender]) revert RegistryNotRecorder(msg.sender);
        _;
    }

    /// @inheritdoc IWorkerRegistry
    function register(uint8 roles, bytes calldata peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands)
        external
    {
        if (_nodes[msg.sender].roles != 0) revert RegistryAlreadyRegistered(msg.sender);
        _setNode(roles, peerId, readerKey, manifestHash, bands);
        emit NodeRegistered(msg.sender, roles, peerId, readerKey, manifestHash, bands);
    }

    /// @inheritdoc IWorkerRegistry
    function update(uint8 roles, bytes calldata peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands)
        external
    {
        if (_nodes[msg.sender].roles == 0) revert RegistryNotRegistered(msg.sender);
        _setNode(roles, peerId, readerKey, manifestHash, bands);
        emit NodeUpdated(msg.sender, roles, peerId, readerKey, manifestHash, bands);
    }

    /// @inheritdoc IWorkerRegistry
    function deregister() external {
        if (_nodes[msg.sender].roles == 0) revert RegistryNotRegistered(msg.sender);
        _leaveEvaluators(msg.sender);
        delete _nodes[msg.sender];
        emit NodeDeregistered(msg.sender);
    }

    /// @inheritdoc IWorkerRegistry
    function evict(address account) external {
        Node storage node = _nodes[account];
        if (!isEvaluator(account)) revert RegistryNotRegistered(account);
        uint256 stake = STAKING.stakeOf(account);
        if (stake >= minEvaluatorStake) revert RegistryStakeSuffices(account, stake, minEvaluatorStake);
        _leaveEvaluators(account);
        node.roles &= ROLE_WORKER;
        node.evaluatorSince = 0;
        emit NodeUpdated(account, node.roles, node.peerId, node.readerKey, node.manifestHash, node.bands);
    }

    /// @inheritdoc IWorkerRegistry
    function recordWork(address account, uint32 rounds) external onlyRecorder {
        _reputations[account].jobs += 1;
        _reputations[account].rounds += rounds;
        emit WorkRecorded(account, rounds);
    }

    /// @inheritdoc IWorkerRegistry
    function recordScore(address account, bool agreed) external onlyRecorder {
        if (agreed) _reputations[account].scoresAgreed += 1;
        else _reputations[account].scoresFailed += 1;
        emit ScoreRecorded(account, agreed);
    }

    /// @inheritdoc IWorkerRegistry
    function recordSlash(address account, uint256 amount) external onlyRecorder {
        _reputations[account].slashes += 1;
        _reputations[account].slashedWei += amount;
        emit SlashRecorded(account, amount);
    }

    /// @inheritdoc IWorkerRegistry
    function setPermissioned(bool value) external onlyOwner {
        permissioned = value;
        emit PermissionedSet(value);
    }

    /// @inheritdoc IWorkerRegistry
    function setAllowed(address account, bool allowed) external onlyOwner {
        isAllowed[account] = allowed;
        emit AllowedSet(account, allowed);
    }

    /// @inheritdoc IWorkerRegistry
    function setRecorder(address recorder, bool allowed) external onlyOwner {
        isRecorder[recorder] = allowed;
        emit RecorderSet(recorder, allowed);
    }

    /// @inheritdoc IWorkerRegistry
    function setMinEvaluatorStake(uint256 amount) external onlyOwner {
        minEvaluatorStake = amount;
        emit MinEvaluatorStakeSet(amount);
    }

    /// @inheritdoc IWorkerRegistry
    function nodeOf(address account) external view returns (Node memory) {
        return _nodes[account];
    }

    /// @inheritdoc IWorkerRegistry
    function reputationOf(address account) external view returns (Reputation memory) {
        return _reputations[account];
    }

    /// @inheritdoc IWorkerRegistry
    function evaluators() external view returns (address[] memory) {
        return _evaluators;
    }

    /// @inheritdoc IWorkerRegistry
    function evaluatorsSince(uint256 height) external view returns (address[] memory present) {
        uint256 count = 0;
        present = new address[](_evaluators.length);
        for (uint256 i = 0; i < _evaluators.length; i++) {
            address account = _evaluators[i];
            if (_nodes[account].evaluatorSince <= height && _admitted(account)) present[count++] = account;
        }
        assembly ("memory-safe") {
            mstore(present, count)
        }
    }

    /// @inheritdoc IWorkerRegistry
    function isWorker(address account) external view returns (bool) {
        return _nodes[account].roles & ROLE_WORKER != 0 && _admitted(account);
    }

    /// @inheritdoc IWorkerRegistry
    function isEvaluator(address account) public view returns (bool) {
        return _nodes[account].roles & ROLE_EVALUATOR != 0;
    }

    function _admitted(address account) private view returns (bool) {
        return !permissioned || isAllowed[account];
    }

    function _setNode(uint8 roles, bytes calldata peerId, bytes32 readerKey, bytes32 manifestHash, uint32 bands) private {
        if (roles == 0 || roles > (ROLE_WORKER | ROLE_EVALUATOR)) revert RegistryBadRoles(roles);
        if (peerId.length == 0 || peerId.length > MAX_PEER_ID_BYTES) {
            revert RegistryBadPeerId(peerId.length, MAX_PEER_ID_BYTES);
        }
        if (readerKey == 0) revert RegistryBadReaderKey();
        if (!_admitted(msg.sender)) revert RegistryNotAllowed(msg.sender);
        uint64 since = roles & ROLE_EVALUATOR == 0 ? _leaveEvaluators(msg.sender) : _joinEvaluators(msg.sender);
        _nodes[msg.sender] = Node(roles, bands, since, readerKey, manifestHash, peerId);
    }

    function _joinEvaluators(address account) private returns (uint64) {
        if (_evaluatorPosition[account] != 0) return _nodes[account].evaluatorSince;
        uint256 stake = STAKING.stakeOf(account);
        if (stake < minEvaluatorStake) revert RegistryTooLittleStake(account, stake, minEvaluatorStake);
        if (_evaluators.length >= MAX_EVALUATORS) revert RegistryFull(MAX_EVALUATORS);
        _evaluators.push(account);
        _evaluatorPosition[account] = _evaluators.length;
        return uint64(block.number);
    }

    function _leaveEvaluators(address account) private returns (uint64) {
        uint256 position = _evaluatorPosition[account];
        if (position == 0) return 0;
        address last = _evaluators[_evaluators.length - 1];
        _evaluators[position - 1] = last;
        _evaluatorPosition[last] = position;
        _evaluators.pop();
        _evaluatorPosition[account] = 0;
        return 0;
    }
}
