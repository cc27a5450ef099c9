/** The client's agent: posts a job, hands keys to those who were drawn, moves the job on, and waits for its receipt. */
import { FedaiError, fromHex, type Hex, type Log, sha256, silentLog, toHex, wrapKey } from '../core/index.ts';
import { type JobDocument, jobDocumentHash, parseJob, segmentPlan } from '../job/index.ts';
import { type ClientAction, type ClientView, clientActions, pendingReveals } from './clientPlan.ts';
import type { MarketEvent } from './events.ts';
import { followHeights } from './follow.ts';
import { type KeyPurpose, keyContext } from './keyContext.ts';
import type { Market } from './market.ts';
import { isRevert } from './reverts.ts';
import { createTrigger, type Trigger } from './trigger.ts';
import { isFinal, type JobPost, type JobReceipt } from './types.ts';
import { workerStakeFor } from './workerStake.ts';

export interface ClientAgentOptions {
  /** Opened with the client's key. */
  market: Market;
  /** 32 bytes: opens the test set. Kept by the agent until it is published. */
  testKey: Uint8Array;
  /** 32 bytes: opens the training set, when that is encrypted. */
  dataKey?: Uint8Array;
  log?: Log;
  /** Every event of the job, once, in chain order. */
  onEvent?: (event: MarketEvent) => void;
  pollMs?: number;
  /**
   * Blocks left to others before the client moves the job on, as anyone may; unless 0, the default, the test key is left
   * to the evaluators to publish, too. A wallet asks its owner about each transaction.
   */
  patienceBlocks?: number;
}

export interface ClientAgent {
  /** Puts the document's reward in escrow; resolves with the job's id. `documentCid` must be in the content store already. */
  post(posting: Posting): Promise<bigint>;
  /** Does the client's part until the job is settled; can be called again after a restart. */
  serve(jobId: bigint, signal: AbortSignal): Promise<JobReceipt>;
}

const DEFAULT_POLL_MS = 500;

export function createClientAgent(options: ClientAgentOptions): ClientAgent {
  const { market, testKey } = options;
  return {
    async post(posting) {
      const post = jobPostOf({ ...posting, testKeyCommitment: toHex(sha256(testKey)) });
      const reward = BigInt(posting.document.reward);
      return market.postJob({ ...post, workerStake: await workerStakeFor(market, post, reward) }, reward);
    },
    serve: (jobId, signal) => serve(options, jobId, signal),
  };
}

export interface Posting {
  document: JobDocument;
  documentCid: string;
  testRoot: Hex;
  /** Whether validators can replay its segments: `isProvable` of job/. */
  provable: boolean;
  /** Whether every trace is audited in every segment; of provable jobs alone. */
  fullAudit?: boolean;
}

/** What `postJob` takes for a document. */
export function jobPostOf(posting: Posting & { testKeyCommitment: Hex }): JobPost {
  const { document, documentCid, testKeyCommitment, testRoot, provable, fullAudit = false } = posting;
  return {
    documentCid,
    documentHash: toHex(jobDocumentHash(document)),
    workers: document.training.workers,
    evaluators: document.evaluators,
    rounds: document.training.rounds,
    mode: FEDERATED,
    minimumBands: document.minimumBands,
    targetScorePpm: document.targetScorePpm,
    testKeyCommitment,
    testRoot,
    workerStake: BigInt(document.workerStake),
    deadlines: document.deadlines,
    segments: segmentPlan(parseJob(document)).segments,
    provable,
    fullAudit,
  };
}

const FEDERATED = 1;

async function serve(options: ClientAgentOptions, jobId: bigint, signal: AbortSignal): Promise<JobReceipt> {
  const { market } = options;
  const log = options.log ?? silentLog;
  const state = { nextHeight: (await market.job(jobId)).postedAt, delivered: new Set<Hex>() };
  const trigger = createTrigger(market, log);
  const finished = new AbortController();
  let settled = false;
  const onHeight = async (height: number): Promise<void> => {
    await takeEvents(options, jobId, state, height);
    const view = await viewOf(options, jobId, state.delivered);
    await act(options, view, height, trigger, log);
    if (!isFinal(view.job.state)) return;
    settled = true;
    finished.abort();
  };
  const both = AbortSignal.any([signal, finished.signal]);
  await followHeights(market, onHeight, { pollMs: options.pollMs ?? DEFAULT_POLL_MS, log, signal: both });
  if (!settled) throw signal.reason;
  return market.jobReceipt(jobId);
}

async function takeEvents(
  options: ClientAgentOptions,
  jobId: bigint,
  state: { nextHeight: number; delivered: Set<Hex> },
  height: number,
): Promise<void> {
  const events = await options.market.events({ fromHeight: state.nextHeight, toHeight: height, jobId });
  state.nextHeight = height + 1;
  for (const event of events) {
    if (event.name === 'DataKeyDelivered') state.delivered.add(event.worker);
    options.onEvent?.(event);
  }
}

async function viewOf(
  options: ClientAgentOptions,
  jobId: bigint,
  delivered: ReadonlySet<Hex>,
): Promise<ClientView> {
  const { market } = options;
  const job = await market.job(jobId);
  const evaluators = job.state === 'Evaluating' ? await market.evaluatorsOf(jobId) : [];
  const hasDataKey = options.dataKey !== undefined;
  return {
    job,
    hasDataKey,
    delivered,
    workers: job.state === 'Training' && hasDataKey ? await market.workersOf(jobId) : [],
    evaluators: await Promise.all(
      evaluators.map(async (account) => ({
        account,
        evaluation: await market.evaluationOf(jobId, account),
      })),
    ),
  };
}

async function act(
  options: ClientAgentOptions,
  view: ClientView,
  height: number,
  trigger: Trigger,
  log: Log,
): Promise<void> {
  const { patienceBlocks: patience = 0 } = options;
  const pending = pendingReveals(view.evaluators.map(({ evaluation }) => evaluation));
  const attempts = [
    ...clientActions(view)
      .filter(({ type }) => type !== 'publishTestKey' || patience === 0)
      .map((action) => perform(options, view.job.id, action)),
    trigger({ job: view.job, height, pending, turn: patience }),
  ];
  for (const outcome of await Promise.allSettled(attempts)) {
    if (outcome.status === 'fulfilled') continue;
    if (!isRevert(outcome.reason)) throw outcome.reason;
    log.debug('too late or too early for a step', { jobId: view.job.id, error: outcome.reason });
  }
}

async function perform(options: ClientAgentOptions, jobId: bigint, action: ClientAction): Promise<unknown> {
  const { market, testKey, dataKey } = options;
  switch (action.type) {
    case 'deliverDataKey': {
      const wrapped = await wrapFor(market, 'data', jobId, action.worker, dataKey!);
      return market.deliverDataKey(jobId, action.worker, wrapped);
    }
    case 'deliverTestKey': {
      const wrapped = await wrapFor(market, 'test', jobId, action.evaluator, testKey);
      return market.deliverTestKey(jobId, action.evaluator, wrapped);
    }
    case 'publishTestKey':
      return market.publishTestKey(jobId, toHex(testKey));
  }
}

/** What a reader gets that took its reader key away: the other readers' keys must not wait for it. */
const UNREADABLE: Hex = '0x00';

/** The key for one reader. One without a usable reader key gets bytes that open nothing, and answers for that itself. */
async function wrapFor(
  market: Market,
  purpose: KeyPurpose,
  jobId: bigint,
  reader: Hex,
  key: Uint8Array,
): Promise<Hex> {
  const { readerKey } = await market.nodeOf(reader);
  const domain = { chainId: await market.chainId(), jobManager: market.contracts.jobManager };
  try {
    return toHex(await wrapKey(fromHex(readerKey), key, keyContext(purpose, domain, jobId, reader)));
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_READER_KEY') return UNREADABLE;
    throw error;
  }
}
