// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The words of a job, shared by JobManager, its libraries and its callers. Names follow docs/protocol/job.md.

enum JobState {
    None,
    Open,
    Training,
    Evaluating,
    Completed,
    Failed,
    Cancelled
}

/// Step inside `Evaluating`.
enum Phase {
    None,
    Draw,
    Keys,
    Commit,
    Reveal
}

/// What an evaluator says: a score, or that the test key or the test set is bad.
enum Verdict {
    None,
    Score,
    BadKey,
    BadSet
}

/// Why a job is Failed or Cancelled.
enum Exit {
    None,
    TooFewWorkers,
    WorkersAbsent,
    ResultAbsent,
    EvaluatorsAbsent,
    TestKeyAbsent,
    NoAgreement,
    BadTestSet,
    ClientCancelled
}

/// Length of every waiting step, in blocks; each at least 1.
struct Deadlines {
    uint32 volunteerBlocks;
    uint32 roundBlocks;
    uint32 resultBlocks;
    uint32 keyBlocks;
    uint32 commitBlocks;
    uint32 revealBlocks;
}

/// What the client posts; the reward is the value sent along.
struct JobPost {
    bytes documentCid;
    bytes32 documentHash; // SHA-256 of the canonical job document
    uint8 workers; // 1..64
    uint8 evaluators; // odd, 3..15
    uint32 rounds; // training rounds planned
    uint8 mode; // 1 = federated
    uint32 minimumBands; // capability bits that a worker must have
    uint32 targetScorePpm;
    bytes32 testKeyCommitment; // SHA-256 of the 32-byte test key
    bytes32 testRoot; // Merkle root of the plaintext test set
    uint256 workerStake; // wei that each volunteer locks
    Deadlines deadlines;
    uint32 segments; // of a slot's share of one training round, 1..4096
    bool provable; // any segment can be replayed on chain: its fees count in the draws of useful work
    bool fullAudit; // every trace is audited in every segment; of provable jobs, at most 64 segments
}

/// The outcome of one training round, signed by a strict majority of the slots.
struct RoundClaim {
    bytes32 stateRoot;
    bytes stateCid;
    uint256 contributors; // bitmap of slots whose end states entered the mean
    int64 loss; // mean loss, nats * 2^16
}

/// What a worker computed in one training round: a tree over the states at the borders of its segments, of which the first and
/// the last state are shown.
struct TraceClaim {
    bytes32 traceRoot;
    bytes32 startRoot;
    bytes32[] startPath; // from the leaf up
    bytes32 endRoot;
    bytes32[] endPath;
}

struct ResultClaim {
    bytes32 weightsRoot; // the model hash
    bytes32 optimiserRoot;
    uint64 counter;
    bytes modelCid;
    uint32 claimedPpm;
}

struct Score {
    uint32 correct;
    uint32 total;
    bytes32 outputsRoot;
    bytes32 modelHash;
    uint8 verdict; // Verdict
}

/// A fixed training round.
struct Round {
    bytes32 stateRoot;
    uint64 contributors;
    int64 loss;
    uint64 fixedAt; // block
}

/// Governed; snapshot into each job when it is posted. Shares in basis points of the escrow; workers', evaluators', auditors',
/// burned and validators' sum to 10 000.
struct Parameters {
    uint16 workersBps;
    uint16 evaluatorsBps;
    uint16 burnBps;
    uint16 validatorsBps;
    uint16 evaluatorSlashBps; // of an evaluator's lock
    uint16 workerSlashBps; // of a worker's lock
    uint32 drawDelayBlocks; // D: blocks between an event and the beacon that draws on it
    uint32 maxRounds;
    uint32 maxDeadlineBlocks; // longest step a job may ask for
    uint256 minWorkerStake;
    uint256 minEvaluatorStake; // also what a drawn evaluator locks
    uint256 minReward;
    uint16 voidSlashBps; // of a worker's lock, for a trace drawn and not opened
    uint16 faultSlashBps; // of a worker's lock, for a trace proven wrong
    uint16 auditorsBps;
    uint16 fullAuditBps; // auditors' part where the client asks for full audit; the workers' part gives the difference
    uint16 feeSegments; // from so many segments a round on auditorsBps is enough; fewer are longer, pay more, for audits of their own job
}

/// Wei; all others sum to `escrow`.
struct Payouts {
    uint256 workers;
    uint256 evaluators;
    uint256 auditors; // went to the court with the traces
    uint256 burned;
    uint256 validators;
    uint256 refund;
    uint256 escrow;
}

/// What committed traces have made due, wei.
struct Accrual {
    uint128 workers; // without lost traces
    uint128 burned; // work fees that have left the escrow
    uint128 validators;
    uint128 auditors; // what has left the escrow for audits
    uint64 clearAt; // last block in which a trace can lose its pay; the job settles after it
    uint32 traces;
    uint32 lost; // void or faulty
}

/// One job as stored. Lists (volunteers, workers, evaluators) have their own views.
struct Job {
    JobPost post;
    Parameters parameters;
    address client;
    JobState state;
    Exit exit;
    Phase phase;
    uint8 attempt; // evaluator draws made
    uint32 roundsFixed;
    uint32 claimedPpm;
    uint64 postedAt; // block
    uint64 drawHeight; // height whose beacon decides the next or last draw
    uint64 deadline; // last block of the present step
    uint256 reward; // the escrow, wei
    bytes32 seed; // beacon that drew the workers
    bytes32 lastStateRoot;
    bytes32 modelHash;
    bytes modelCid;
    address submitter;
    bytes32 testKey; // zero until published
    Score agreed;
    Payouts payouts;
    Accrual accrued;
}

/// What one evaluator of the present draw has done.
struct Evaluation {
    bool keyDelivered;
    bool revealed;
    bytes32 commitment;
    Score score;
}

/// The settled record of a job; its hash is in state at a fixed slot (see IJobManager.receiptHash).
struct JobReceipt {
    uint256 jobId;
    address client;
    bytes32 documentHash;
    bytes documentCid;
    bytes32 testKeyCommitment;
    bytes32 testRoot;
    uint8 state; // JobState
    uint8 exit; // Exit
    uint32 rounds;
    uint32 roundsFixed;
    bytes32 lastStateRoot;
    bytes32 modelHash;
    bytes modelCid;
    address[] workers; // slot order
    address[] evaluators; // of the last draw
    Score agreed;
    address[] agreeing;
    Payouts payouts;
}
