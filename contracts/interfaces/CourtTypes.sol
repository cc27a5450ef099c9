// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The words of audits and the court. Names follow docs/protocol/useful-work.md.

enum AuditState {
    None, // not drawn: not selected, too early, or nobody drew its auditors in time
    Drawn,
    Accepted, // all that revealed agree
    Disputed, // a case decides
    Unanswered, // nobody revealed, or no case could decide
    Judged // settled after its case
}

enum CaseState {
    None,
    Open,
    Upheld, // the trace is faulty
    Dismissed,
    Waiting, // for room in a busy court
    Dropped // never heard: the trace was found faulty before
}

/// One drawn auditor of a trace.
struct Auditor {
    address account;
    bool revealed;
    bytes32 commitment;
    bytes32[] digests; // one for each audited segment; none: the auditor got no bundle
}

/// The audit of a trace as stored; blocks are the last in which a step may be taken.
struct Audit {
    AuditState state;
    bool recorded; // false: the trace has no court
    bool fullAudit; // all segments
    uint128 value; // wei of its job's auditors' part
    uint64 drawFrom; // the first block that may draw comes after it; its beacon draws
    uint64 drawUntil;
    uint64 commitUntil;
    uint64 revealUntil;
    uint64 challengeUntil;
    uint64 caseId; // the latest on this trace; zero for none
    uint128 fee; // wei set aside for the auditors when they were drawn
    uint128 lock; // wei of stake that each has locked
    uint32[] segments; // audited, in the order of digests; empty until drawn
    Auditor[] auditors;
}

struct Case {
    uint64 traceId;
    uint32 segment;
    CaseState state;
    uint64 deadline; // last block for a verdict; zero while it waits
    bool waited; // the job does not end before it
    address challenger; // zero: a dispute among auditors
    uint128 bond; // wei
    bytes32 digest; // of the segment as validators executed it; zero without a verdict
}

/// What a validator needs to judge a case.
struct OpenCase {
    uint64 caseId;
    uint64 traceId;
    uint64 jobId;
    uint32 round;
    uint8 slot;
    uint32 segment;
    uint32 segments; // of the trace
    uint64 deadline;
    address worker;
    bytes32 traceRoot;
}

/// Governed. Blocks, wei and basis points.
struct CourtParameters {
    uint16 rateBps; // traces audited, of 10 000
    uint16 assumedBadBps; // share of auditors that the lock of workers assumes to be bad
    uint16 absentSlashBps; // of an auditor's lock, for silence
    uint16 wrongSlashBps; // of an auditor's lock, for a digest that a verdict refutes
    uint8 auditors; // of a trace
    uint8 segmentsPerAudit;
    uint8 maxOpen; // cases at a time, so that each can be judged in time; those of drawn auditors wait for their turn
    uint32 commitBlocks;
    uint32 revealBlocks;
    uint32 courtBlocks; // from the opening of a case to its end
    uint128 auditLock;
    uint128 bond; // of a challenge
}
