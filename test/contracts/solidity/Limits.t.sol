// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BeaconHistory} from "../../../contracts/BeaconHistory.sol";
import {JobManager} from "../../../contracts/JobManager.sol";
import {UsefulWork} from "../../../contracts/UsefulWork.sol";
import {Staking} from "../../../contracts/Staking.sol";
import {TrainingCourt} from "../../../contracts/TrainingCourt.sol";
import {WorkerRegistry} from "../../../contracts/WorkerRegistry.sol";
import {IJobManager} from "../../../contracts/interfaces/IJobManager.sol";
import {AuditState, CourtParameters} from "../../../contracts/interfaces/CourtTypes.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {ITrainingCourt} from "../../../contracts/interfaces/ITrainingCourt.sol";
import {
    Deadlines, JobPost, JobState, Parameters, ResultClaim, RoundClaim, Score, TraceClaim
} from "../../../contracts/interfaces/JobTypes.sol";
import {WorkParameters} from "../../../contracts/interfaces/WorkTypes.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {vm} from "./Vm.sol";

/// A job at every limit. What is measured runs in a test of its own, after `setUp`, so that storage is cold as in a block.
abstract contract LargestJob {
    uint256 internal constant BLOCK_GAS = 30_000_000;
    /// Bounds of what is measured, somewhat above it.
    uint256 internal constant TRACE_GAS = 520_000;
    uint256 internal constant SYSTEM_GAS = 1_000_000;
    uint256 internal constant VOLUNTEERS = 128;
    uint256 internal constant WORKERS = 64;
    uint256 internal constant POOL = 128;
    uint256 internal constant EVALUATORS = 15;
    uint256 internal constant VALIDATORS = 100;
    uint32 internal constant SEGMENTS = 4_096;
    uint32 internal constant INTERVAL = 10;
    uint8 internal constant RANKS = 8;
    uint8 internal constant OPEN_CASES = 64;
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    uint256 private constant FIRST_WORKER = 1_000;
    uint256 private constant FIRST_EVALUATOR = 2_000;
    uint256 private constant FIRST_VALIDATOR = 3_000;
    bytes32 private constant TEST_KEY = "test key";
    bytes32 private constant SALT = "salt";
    address internal constant CLIENT = address(0xc11e47);

    BeaconHistory internal beacons;
    Staking internal staking;
    WorkerRegistry internal registry;
    JobManager internal jobs;
    UsefulWork internal work;
    TrainingCourt internal court;
    mapping(address account => uint256) private _keys;

    function _toDraw() internal {
        beacons = new BeaconHistory();
        staking = new Staking(address(this), IStaking.StakingParameters(5, 4, 0, 0, false, 1 ether));
        registry = new WorkerRegistry(address(this), staking, 10 ether);
        Parameters memory terms =
            Parameters(9_000, 400, 400, 100, 1_000, 100, 2, 8, 1_000, 1 ether, 10 ether, 1, 100, 10_000, 100, 3_000, 0);
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 2);
        address judge = vm.computeCreateAddress(address(this), nonce + 1);
        WorkParameters memory workTerms = WorkParameters(INTERVAL, 2, RANKS, 5_000, 1_000);
        work = new UsefulWork(address(this), IJobManager(predicted), beacons, ITrainingCourt(judge), workTerms);
        CourtParameters memory courtTerms =
            CourtParameters(10_000, 2_500, 500, 5_000, 8, 16, OPEN_CASES, 20, 20, 128, 1 ether, 1 ether);
        court = new TrainingCourt(
            address(this), IJobManager(predicted), work, staking, registry, beacons, courtTerms
        );
        jobs = new JobManager(address(this), staking, registry, beacons, work, court, terms);
        staking.setLocker(address(jobs), true);
        staking.setLocker(judge, true);
        registry.setRecorder(address(jobs), true);
        registry.setRecorder(judge, true);
        for (uint256 i = 0; i < VALIDATORS; i++) {
            address validator = _account(FIRST_VALIDATOR + i);
            staking.registerValidatorFor(validator, BlsSigner.publicKey(i + 1), BlsSigner.possession(i + 1, validator));
        }
        for (uint256 i = 0; i < POOL; i++) _join(_account(FIRST_EVALUATOR + i), 2);
        vm.deal(CLIENT, 1e24);
        JobPost memory post = _post();
        vm.prank(CLIENT);
        jobs.postJob{value: 1e18 + 7}(post);
        for (uint256 i = 0; i < VOLUNTEERS; i++) {
            address worker = _account(FIRST_WORKER + i);
            _join(worker, 1);
            vm.prank(worker);
            jobs.assignWorker(1);
        }
        _passBeacon();
    }

    function _toTraces() internal {
        _toDraw();
        jobs.closeAssignment(1);
    }

    /// The longest paths: all leaves are the same, so one node a level will do.
    function _trace() internal pure returns (TraceClaim memory claim) {
        (claim.startRoot, claim.endRoot) = ("state", "state");
        bytes32 leaf = sha256(abi.encodePacked(hex"00", bytes32("state")));
        claim.startPath = new bytes32[](13);
        claim.endPath = new bytes32[](1);
        bytes32 node = leaf;
        for (uint256 i = 0; i < 12; i++) {
            claim.startPath[i] = node;
            node = sha256(abi.encodePacked(hex"01", node, node));
        }
        (claim.startPath[12], claim.endPath[0]) = (leaf, node);
        claim.traceRoot = sha256(abi.encodePacked(hex"01", node, leaf));
    }

    function _commitTraceOf(address worker) internal {
        TraceClaim memory claim = _trace();
        vm.prank(worker);
        jobs.commitTrace(1, 0, claim);
    }

    /// All slots but one commit nothing: every other one is slashed, which costs most.
    function _toEvaluatorDraw() internal {
        _toTraces();
        address[] memory slots = jobs.workersOf(1);
        _commitTraceOf(slots[0]);
        bytes32 stateRoot = sha256(abi.encodePacked("fedai-state/1", bytes32("w"), bytes32("o"), uint64(1)));
        RoundClaim memory claim = RoundClaim(stateRoot, _longest(128), 1, 0);
        jobs.commitRound(1, 0, claim, _signatures(slots, _claimDigest(claim)));
        vm.prank(slots[0]);
        jobs.submitResult(1, ResultClaim("w", "o", 1, _longest(128), 0));
        _passBeacon();
    }

    /// Ten agree, two lie, three are absent.
    function _toCompletion() internal {
        _toEvaluatorDraw();
        jobs.drawEvaluators(1);
        address[] memory drawn = jobs.evaluatorsOf(1);
        for (uint256 i = 0; i < EVALUATORS; i++) {
            vm.prank(CLIENT);
            jobs.deliverTestKey(1, drawn[i], hex"01");
        }
        for (uint256 i = 0; i < 12; i++) {
            vm.prank(drawn[i]);
            jobs.commitScore(1, keccak256(abi.encode(1, drawn[i], _score(i), SALT)));
        }
        vm.roll(jobs.job(1).deadline + 1);
        for (uint256 i = 0; i < 12; i++) {
            bytes memory signature = _sign(drawn[i], _scoreDigest(_score(i)));
            vm.prank(drawn[i]);
            jobs.revealScore(1, _score(i), SALT, signature);
        }
    }

    function _score(uint256 i) private pure returns (Score memory) {
        return Score(i < 10 ? 7 : 8, 9, bytes32("out"), bytes32("w"), 1);
    }

    function _post() private pure returns (JobPost memory post) {
        post.documentCid = _longest(128);
        post.documentHash = "document";
        post.workers = uint8(WORKERS);
        post.evaluators = uint8(EVALUATORS);
        post.rounds = 1;
        post.mode = 1;
        post.testKeyCommitment = sha256(abi.encodePacked(TEST_KEY));
        post.workerStake = 2 ether;
        post.deadlines = Deadlines(10, 10, 10, 10, 10, 10);
        (post.segments, post.provable) = (SEGMENTS, true);
    }

    function _longest(uint256 length) private pure returns (bytes memory text) {
        text = new bytes(length);
        for (uint256 i = 0; i < length; i++) text[i] = "b";
    }

    function _account(uint256 key) private returns (address account) {
        account = vm.addr(key);
        _keys[account] = key;
        vm.deal(address(this), 1e30);
        staking.depositFor{value: 50 ether}(account);
    }

    function _join(address account, uint8 roles) private {
        vm.prank(account);
        registry.register(roles, hex"00", bytes32("reader"), 0, 0);
    }

    function _passBeacon() private {
        vm.roll(jobs.job(1).drawHeight);
        vm.prevrandao(keccak256(abi.encode(block.number)));
        beacons.record();
        vm.roll(block.number + 1);
    }

    function _signatures(address[] memory slots, bytes32 digest) private returns (bytes[] memory signatures) {
        signatures = new bytes[](slots.length);
        for (uint256 i = 0; i < slots.length; i++) signatures[i] = _sign(slots[i], digest);
    }

    function _sign(address signer, bytes32 digest) private returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[signer], digest);
        return abi.encodePacked(r, s, v);
    }

    function _claimDigest(RoundClaim memory claim) private view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "RoundClaim(uint256 jobId,uint32 round,bytes32 stateRoot,bytes stateCid,uint256 contributors,int64 loss)"
        );
        (bytes32 root, bytes32 cid) = (claim.stateRoot, keccak256(claim.stateCid));
        return _digest(keccak256(abi.encode(typeHash, 1, 0, root, cid, claim.contributors, claim.loss)));
    }

    function _scoreDigest(Score memory score) private view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Score(uint256 jobId,uint32 correct,uint32 total,bytes32 outputsRoot,bytes32 modelHash,uint8 verdict)"
        );
        return _digest(keccak256(abi.encode(typeHash, 1, score)));
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain =
            keccak256(abi.encode(typeHash, keccak256("fedai"), keccak256("1"), block.chainid, address(jobs)));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}

contract LargestAssignmentTest is LargestJob {
    function setUp() public {
        _toDraw();
    }

    function test_drawsSlotsWithinABlock() public {
        uint256 before = gasleft();
        jobs.closeAssignment(1);
        uint256 used = before - gasleft();
        require(jobs.job(1).state == JobState.Training && jobs.workersOf(1).length == WORKERS, "not started");
        require(used < BLOCK_GAS, "too much gas");
    }

    function test_cancelsWithinABlock() public {
        vm.prank(CLIENT);
        uint256 before = gasleft();
        jobs.cancelJob(1);
        require(before - gasleft() < BLOCK_GAS, "too much gas");
    }
}

contract LargestTraceTest is LargestJob {
    function setUp() public {
        _toTraces();
    }

    function test_commitsCheaply() public {
        address worker = jobs.workersOf(1)[0];
        TraceClaim memory claim = _trace();
        vm.prank(worker);
        uint256 before = gasleft();
        jobs.commitTrace(1, 0, claim);
        require(before - gasleft() < TRACE_GAS, "too much gas");
    }
}

/// Draws of the most ranks, from many traces; at the next work height all of them are void.
abstract contract LargestDraw is LargestJob {
    function _toWork() internal {
        _toTraces();
        address[] memory slots = jobs.workersOf(1);
        for (uint256 i = 0; i < slots.length; i++) _commitTraceOf(slots[i]);
        _toWorkHeight(block.number + 3);
    }

    /// To the first work height from `height` on.
    function _toWorkHeight(uint256 height) internal {
        height += (INTERVAL - height % INTERVAL) % INTERVAL;
        vm.roll(height - 1);
        vm.prevrandao(keccak256(abi.encode(height)));
        beacons.record();
        vm.roll(height);
    }

    function _onBlock() internal returns (uint256 used) {
        vm.prank(SYSTEM);
        uint256 before = gasleft();
        work.onBlock();
        used = before - gasleft();
        require(used < SYSTEM_GAS, "too much gas");
    }
}

contract LargestWorkDrawTest is LargestDraw {
    function setUp() public {
        _toWork();
    }

    function test_draws() public {
        _onBlock();
        require(work.drawOf(work.openHeight()).ranks.length == RANKS, "not drawn");
    }
}

contract LargestWorkVoidTest is LargestDraw {
    function setUp() public {
        _toWork();
        _onBlock();
        _toWorkHeight(block.number + 1);
    }

    function test_voids() public {
        _onBlock();
        require(jobs.job(1).accrued.lost == RANKS, "not void");
    }
}

contract LargestCourtTest is LargestDraw {
    function setUp() public {
        _toWork();
        for (uint256 id = 0; id < OPEN_CASES; id++) {
            vm.prank(CLIENT);
            court.challenge{value: 1 ether}(id, 0);
        }
        vm.roll(block.number + 129);
    }

    function test_closesCases() public {
        vm.prank(SYSTEM);
        uint256 before = gasleft();
        court.onBlock();
        require(before - gasleft() < SYSTEM_GAS, "too much gas");
        require(court.openCases().length == OPEN_CASES - 4, "not closed");
        require(jobs.job(1).accrued.lost == 4, "not faulty");
    }
}

contract LargestAuditTest is LargestJob {
    function setUp() public {
        _toTraces();
        _commitTraceOf(jobs.workersOf(1)[0]);
        vm.roll(court.auditOf(0).drawFrom);
        vm.prevrandao("beacon");
        beacons.record();
        vm.roll(block.number + 1);
    }

    function test_drawsAuditorsWithinABlock() public {
        uint256 before = gasleft();
        court.drawAuditors(0);
        require(before - gasleft() < BLOCK_GAS, "too much gas");
        require(court.auditOf(0).state == AuditState.Drawn && court.auditOf(0).auditors.length == 8, "not drawn");
    }
}

contract LargestEvaluatorDrawTest is LargestJob {
    function setUp() public {
        _toEvaluatorDraw();
    }

    function test_drawsEvaluatorsWithinABlock() public {
        uint256 before = gasleft();
        jobs.drawEvaluators(1);
        uint256 used = before - gasleft();
        require(jobs.evaluatorsOf(1).length == EVALUATORS, "not drawn");
        require(used < BLOCK_GAS, "too much gas");
    }
}

contract LargestSettlementTest is LargestJob {
    function setUp() public {
        _toCompletion();
        (uint256 deadline, uint256 clearAt) = (jobs.job(1).deadline, jobs.job(1).accrued.clearAt);
        vm.roll((deadline > clearAt ? deadline : clearAt) + 1);
    }

    function test_settlesWithinABlock() public {
        uint256 before = gasleft();
        jobs.completeJob(1);
        uint256 used = before - gasleft();
        require(jobs.job(1).state == JobState.Completed, "not completed");
        require(jobs.openEscrow() == 0, "escrow left");
        require(used < BLOCK_GAS, "too much gas");
    }
}
