export { checksummed } from './address.ts';
export { bytesToCid, cidToBytes } from './cidBytes.ts';
export {
  type ClientAgent,
  type ClientAgentOptions,
  createClientAgent,
  jobPostOf,
  type Posting,
} from './client.ts';
export { type ClientAction, type ClientView, clientActions, pendingReveals } from './clientPlan.ts';
export type { Court } from './court.ts';
export type {
  Audit,
  AuditorPart,
  AuditState,
  CaseState,
  CourtCase,
  CourtParameters,
  OpenCase,
} from './courtTypes.ts';
export { createMarketDaemon, type DaemonDuties, type DaemonFile } from './daemon.ts';
export { dueTransition, type Transition, turnOf } from './due.ts';
export { type EnrolmentWish, enrol } from './enrol.ts';
export type { EventOf, EventQuery, MarketEvent, MarketEventName } from './events.ts';
export { unsettledJobOf } from './findPosted.ts';
export { type FollowOptions, followHeights } from './follow.ts';
export { createJobBook, type JobBook } from './jobBook.ts';
export { type KeyPurpose, keyContext } from './keyContext.ts';
export { createLatest, type Latest } from './latest.ts';
export {
  bindMarket,
  createMarket,
  type Market,
  type MarketContracts,
  type MarketOptions,
  openEndpoints,
} from './market.ts';
export { type MeasuredTransport, measureTransport, trainOf } from './metrics.ts';
export type { MarketReads } from './reads.ts';
export { hashReceipt, RECEIPT_SLOT, receiptStorageKey } from './receipt.ts';
export { type RetryOptions, retry } from './retry.ts';
export { explainRevert, isRevert } from './reverts.ts';
export { gasLimitOf, type MinedTransaction, type Sender, type TransactionRequest } from './sender.ts';
export { createTraceFeed, type LiveTrace, type TraceFeed } from './traceFeed.ts';
export { type HttpTransportOptions, httpTransport, type RpcTransport } from './transport.ts';
export { createTrigger, type Trigger } from './trigger.ts';
export {
  recoverSigner,
  roundClaimDigest,
  roundClaimTypes,
  type SigningDomain,
  scoreCommitment,
  scoreDigest,
  scoreTypes,
  signDigest,
} from './typedData.ts';
export {
  type Accrual,
  type Deadlines,
  EVALUATOR_ROLE,
  type Evaluation,
  type ExitReason,
  exitReasons,
  type FixedRound,
  isFinal,
  type Job,
  type JobPost,
  type JobReceipt,
  type JobState,
  jobStates,
  type Parameters,
  type Payouts,
  type Phase,
  phases,
  type Registration,
  type ResultClaim,
  type RoundClaim,
  type Score,
  type ScoreVerdict,
  type TraceClaim,
  type TraceRecord,
  verdicts,
  WORKER_ROLE,
  type WorkDraw,
  type WorkParameters,
  type WorkRank,
  type WorkTrace,
  ZERO_HASH,
} from './types.ts';
export { type WatchOptions, watchJob } from './watch.ts';
export { auditorsPart, workerStakeFor } from './workerStake.ts';
export type { MarketWrites } from './writes.ts';
