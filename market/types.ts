/** Shapes of what the contracts hold, with plain names for their numbers. Amounts are wei, heights are block numbers. */
import type { Hex } from '../core/index.ts';

/** Order as in the contract's enum. */
export const jobStates = [
  'None',
  'Open',
  'Training',
  'Evaluating',
  'Completed',
  'Failed',
  'Cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

export const exitReasons = [
  'None',
  'TooFewWorkers',
  'WorkersAbsent',
  'ResultAbsent',
  'EvaluatorsAbsent',
  'TestKeyAbsent',
  'NoAgreement',
  'BadTestSet',
  'ClientCancelled',
] as const;
export type ExitReason = (typeof exitReasons)[number];

export const verdicts = ['None', 'Score', 'BadKey', 'BadSet'] as const;
export type ScoreVerdict = (typeof verdicts)[number];

/** Whether nothing more will happen to a job in this state. */
export const isFinal = (state: JobState): boolean =>
  state === 'Completed' || state === 'Failed' || state === 'Cancelled';

/** Lengths of the waiting phases, in blocks. */
export interface Deadlines {
  volunteerBlocks: number;
  roundBlocks: number;
  resultBlocks: number;
  keyBlocks: number;
  commitBlocks: number;
  revealBlocks: number;
}

/** Content ids travel in calls and events as the UTF-8 bytes of their text. */
export interface JobPost {
  documentCid: string;
  /** SHA-256 of the canonical job document. */
  documentHash: Hex;
  workers: number;
  evaluators: number;
  rounds: number;
  mode: number;
  minimumBands: number;
  targetScorePpm: number;
  /** SHA-256 of the test key. */
  testKeyCommitment: Hex;
  /** Merkle root of the plain test set. */
  testRoot: Hex;
  workerStake: bigint;
  deadlines: Deadlines;
  /** Segments of a slot's share of one training round. */
  segments: number;
  /** Whether any segment can be replayed on chain: its fees then count in the draws of useful work. */
  provable: boolean;
  /** Every trace is audited in every segment. */
  fullAudit: boolean;
}

/** Step inside `Evaluating`. */
export const phases = ['None', 'Draw', 'Keys', 'Commit', 'Reveal'] as const;
export type Phase = (typeof phases)[number];

export interface RoundClaim {
  stateRoot: Hex;
  stateCid: string;
  /** Bit i stands for slot i. */
  contributors: bigint;
  /** Mean loss, nats × 2^16. */
  loss: bigint;
}

/** Calldata of `commitTrace`; paths from the leaf up. */
export interface TraceClaim {
  traceRoot: Hex;
  startRoot: Hex;
  startPath: readonly Hex[];
  endRoot: Hex;
  endPath: readonly Hex[];
}

export interface ResultClaim {
  weightsRoot: Hex;
  optimiserRoot: Hex;
  counter: bigint;
  modelCid: string;
  claimedPpm: number;
}

export interface Score {
  correct: number;
  total: number;
  outputsRoot: Hex;
  modelHash: Hex;
  /** Index into `verdicts`. */
  verdict: number;
}

/** Governed; each job keeps the ones it was posted under. Shares in basis points. */
export interface Parameters {
  workersBps: number;
  evaluatorsBps: number;
  auditorsBps: number;
  /** The auditors' part where the client asks for full audit; the workers' part gives the difference. */
  fullAuditBps: number;
  /** Segments of a round from which on `auditorsBps` is enough. */
  feeSegments: number;
  burnBps: number;
  validatorsBps: number;
  evaluatorSlashBps: number;
  workerSlashBps: number;
  /** Of a worker's lock, for a trace drawn and not opened. */
  voidSlashBps: number;
  /** Of a worker's lock, for a trace proven wrong. */
  faultSlashBps: number;
  /** D: blocks between an event and the beacon that draws on it. */
  drawDelayBlocks: number;
  maxRounds: number;
  maxDeadlineBlocks: number;
  minWorkerStake: bigint;
  minEvaluatorStake: bigint;
  minReward: bigint;
}

/** All others sum to `escrow`. */
export interface Payouts {
  workers: bigint;
  evaluators: bigint;
  /** Went to the court with the traces. */
  auditors: bigint;
  burned: bigint;
  validators: bigint;
  refund: bigint;
  escrow: bigint;
}

/** What committed traces have made due, wei. */
export interface Accrual {
  workers: bigint;
  burned: bigint;
  validators: bigint;
  auditors: bigint;
  /** Last block in which a trace can lose its pay; the job settles after it. */
  clearAt: number;
  traces: number;
  /** Void or faulty. */
  lost: number;
}

export interface Job {
  id: bigint;
  post: JobPost;
  parameters: Parameters;
  client: Hex;
  state: JobState;
  exit: ExitReason;
  phase: Phase;
  /** Evaluator draws made. */
  attempt: number;
  roundsFixed: number;
  claimedPpm: number;
  postedAt: number;
  /** Height whose beacon decides the next or last draw. */
  drawHeight: number;
  /** Last block of the present step. */
  deadline: number;
  reward: bigint;
  seed: Hex;
  lastStateRoot: Hex;
  modelHash: Hex;
  modelCid: string;
  submitter: Hex;
  /** Zero until published. */
  testKey: Hex;
  agreed: Score;
  payouts: Payouts;
  accrued: Accrual;
}

/** What one evaluator of the present draw has done. */
export interface Evaluation {
  keyDelivered: boolean;
  revealed: boolean;
  /** Zero until committed. */
  commitment: Hex;
  score: Score;
}

export interface FixedRound {
  stateRoot: Hex;
  contributors: bigint;
  loss: bigint;
  /** Zero when the round is not fixed. */
  fixedAt: number;
}

/** The settled record of a job, as its hash stands in the state. */
export interface JobReceipt {
  jobId: bigint;
  client: Hex;
  documentHash: Hex;
  documentCid: string;
  testKeyCommitment: Hex;
  testRoot: Hex;
  state: JobState;
  exit: ExitReason;
  rounds: number;
  roundsFixed: number;
  lastStateRoot: Hex;
  modelHash: Hex;
  modelCid: string;
  workers: Hex[];
  evaluators: Hex[];
  agreed: Score;
  agreeing: Hex[];
  payouts: Payouts;
}

/** What became of a slot's trace of a training round, as JobManager knows it. */
export interface TraceRecord {
  committed: boolean;
  traceId: bigint;
  /** Void or faulty. */
  lost: boolean;
}

export const fates = ['Committed', 'Drawn', 'Opened', 'Void', 'Faulty'] as const;

/** A committed trace as UsefulWork holds it. */
export interface WorkTrace {
  worker: Hex;
  jobId: bigint;
  round: number;
  slot: number;
  fate: (typeof fates)[number];
  segments: number;
  /** Block of the commitment. */
  height: number;
  /** Work fee paid for it, wei. */
  weight: bigint;
  root: Hex;
}

export interface WorkRank {
  traceId: bigint;
  segment: number;
  /** Null until opened. */
  opener: Hex | null;
  proposer: Hex | null;
  trace: WorkTrace;
}

/** What a work height has drawn; without ranks where nothing was. */
export interface WorkDraw {
  height: number;
  totalWeight: bigint;
  pool: bigint;
  settled: boolean;
  /** Best first. */
  ranks: WorkRank[];
}

/** Governed terms of useful work. */
export interface WorkParameters {
  /** Work heights are its multiples. */
  interval: number;
  drawDelay: number;
  ranks: number;
  poolBps: number;
  /** Of what is kept of a fee; the rest is the worker's. */
  proposerBps: number;
}

/** Bits of a registration's roles. */
export const WORKER_ROLE = 1;
export const EVALUATOR_ROLE = 2;

export interface Registration {
  roles: number;
  bands: number;
  /** X25519 public key to which data and test keys are wrapped. */
  readerKey: Hex;
  manifestHash: Hex;
  peerId: Hex;
}

export const ZERO_ADDRESS: Hex = `0x${'0'.repeat(40)}`;
export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;
