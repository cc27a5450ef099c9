/** The governed terms that the contracts are deployed with, and their defaults. */
const TRAIN = 10n ** 18n;

/** Governed terms of jobs, as struct Parameters in interfaces/JobTypes.sol. Shares in basis points, stakes in wei. */
export interface JobParameters {
  workersBps: number;
  evaluatorsBps: number;
  burnBps: number;
  validatorsBps: number;
  evaluatorSlashBps: number;
  workerSlashBps: number;
  drawDelayBlocks: number;
  maxRounds: number;
  maxDeadlineBlocks: number;
  minWorkerStake: bigint;
  minEvaluatorStake: bigint;
  minReward: bigint;
  /** Of a worker's lock, for a trace drawn and not opened. */
  voidSlashBps: number;
  /** Of a worker's lock, for a trace proven wrong. */
  faultSlashBps: number;
  auditorsBps: number;
  /** The auditors' part where a client asks for full audit. */
  fullAuditBps: number;
  /** Segments of a round from which on `auditorsBps` is enough; of fewer it is larger in proportion, and the job's own. */
  feeSegments: number;
}

/** Governed terms of useful work, as struct WorkParameters in interfaces/WorkTypes.sol. */
export interface WorkParameters {
  /** Work heights are its multiples. */
  interval: number;
  /** Blocks from a trace's commitment to the first beacon that may draw it. By default that of jobs. */
  drawDelay: number;
  /** Traces drawn at a work height, at most 8. */
  ranks: number;
  /** Of a work fee, not burned at once; at most half. */
  poolBps: number;
  /** Of that, for proposers; the rest is the worker's of the trace. */
  proposerBps: number;
}

/** Governed terms of audits and the court, as struct CourtParameters in interfaces/CourtTypes.sol. */
export interface CourtParameters {
  /** Traces audited of 10 000. */
  rateBps: number;
  /** Share of bad auditors that the workers' locks are sized for. */
  assumedBadBps: number;
  absentSlashBps: number;
  wrongSlashBps: number;
  auditors: number;
  segmentsPerAudit: number;
  /** Cases open at a time; those of drawn auditors wait beyond it. */
  maxOpen: number;
  /** Of which the first half is for drawing. */
  commitBlocks: number;
  revealBlocks: number;
  /** From the opening of a case to its end; at least 2 for each case that may be open. */
  courtBlocks: number;
  /** Wei that each drawn auditor locks. */
  auditLock: bigint;
  /** Wei that a challenger puts up. */
  bond: bigint;
}

export interface StakingParameters {
  /** Must be more than the evidence window. */
  unbondingBlocks: number;
  evidenceWindowBlocks: number;
  reporterBps: number;
  equivocationBps: number;
  admissionOpen: boolean;
  minValidatorStake: bigint;
}

export interface GovernanceParameters {
  votingDelayBlocks: number;
  votingPeriodBlocks: number;
  /** Stake in wei that a proposer needs. */
  proposalStake: bigint;
  quorumPercent: number;
  timelockSeconds: number;
}

export const defaultJobParameters: JobParameters = {
  workersBps: 9_000,
  evaluatorsBps: 400,
  burnBps: 400,
  validatorsBps: 100,
  evaluatorSlashBps: 1_000,
  workerSlashBps: 100,
  drawDelayBlocks: 8,
  maxRounds: 10_000,
  // A week of blocks of one second.
  maxDeadlineBlocks: 604_800,
  minWorkerStake: 10n * TRAIN,
  minEvaluatorStake: 10n * TRAIN,
  minReward: TRAIN / 1_000n,
  voidSlashBps: 100,
  faultSlashBps: 10_000,
  // An audit is paid what 1 / rate traces bring: 2.5 % of a trace's escrow for each auditor, 150 / n % below 60 segments, of
  // which a job of four traces that pays for its own has 59 % in the mean. Executing one of n segments costs at most
  // 0.8 · 1.02 · 90 / n %. Full audit executes all, twice.
  auditorsBps: 100,
  fullAuditBps: 6_000,
  feeSegments: 60,
};

export const defaultWorkParameters: Omit<WorkParameters, 'drawDelay'> = {
  interval: 10,
  ranks: 3,
  poolBps: 5_000,
  proposerBps: 1_000,
};

export const defaultCourtParameters: CourtParameters = {
  rateBps: 2_000,
  assumedBadBps: 2_500,
  absentSlashBps: 500,
  // Above the fee of many audits, so that a guessed digest never pays.
  wrongSlashBps: 5_000,
  auditors: 2,
  segmentsPerAudit: 1,
  maxOpen: 24,
  commitBlocks: 60,
  revealBlocks: 40,
  courtBlocks: 120,
  auditLock: TRAIN,
  bond: TRAIN,
};

/**
 * More audits and shorter steps, for networks on one machine where all is near. Steps end as soon as everybody has done
 * theirs; the windows are for a machine that is busy with training.
 */
export const quickCourtParameters: Partial<CourtParameters> = {
  rateBps: 5_000,
  maxOpen: 6,
  commitBlocks: 24,
  revealBlocks: 16,
  courtBlocks: 24,
};

export const defaultStakingParameters: StakingParameters = {
  // Three weeks of blocks of one second: longer than a light client's trusting period and the evidence window, two weeks.
  unbondingBlocks: 1_814_400,
  evidenceWindowBlocks: 1_209_600,
  reporterBps: 500,
  equivocationBps: 500,
  admissionOpen: false,
  minValidatorStake: 1_000n * TRAIN,
};

export const defaultGovernanceParameters: GovernanceParameters = {
  votingDelayBlocks: 7_200,
  votingPeriodBlocks: 50_400,
  proposalStake: 1_000n * TRAIN,
  quorumPercent: 10,
  timelockSeconds: 172_800,
};
