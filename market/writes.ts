/** Every transaction that daemons and client send. Each resolves when mined and throws `REVERTED` with a remedy. */
import { FedaiError, type Hex } from '../core/index.ts';
import { cidToBytes } from './cidBytes.ts';
import type { MarketContext } from './context.ts';
import type { Contract } from './contract.ts';
import type { Send } from './court.ts';
import { noWork } from './decodeWork.ts';
import { decodeEvent, type RawLog } from './events.ts';
import type { MinedTransaction, Sender } from './sender.ts';
import type { JobPost, Registration, ResultClaim, RoundClaim, Score, TraceClaim } from './types.ts';

export interface MarketWrites {
  /** Adds wei to the own stake. */
  deposit(amount: bigint): Promise<MinedTransaction>;
  register(node: Registration): Promise<MinedTransaction>;
  updateRegistration(node: Registration): Promise<MinedTransaction>;
  /** Puts `reward` wei in escrow; resolves with the job's id. */
  postJob(post: JobPost, reward: bigint): Promise<bigint>;
  cancelJob(jobId: bigint): Promise<MinedTransaction>;
  assignWorker(jobId: bigint): Promise<MinedTransaction>;
  closeAssignment(jobId: bigint): Promise<MinedTransaction>;
  deliverDataKey(jobId: bigint, worker: Hex, wrapped: Hex): Promise<MinedTransaction>;
  commitRound(
    jobId: bigint,
    round: number,
    claim: RoundClaim,
    signatures: readonly Hex[],
  ): Promise<MinedTransaction>;
  /** The trace of the own share of a training round. */
  commitTrace(jobId: bigint, round: number, claim: TraceClaim): Promise<MinedTransaction>;
  submitResult(jobId: bigint, result: ResultClaim): Promise<MinedTransaction>;
  drawEvaluators(jobId: bigint): Promise<MinedTransaction>;
  deliverTestKey(jobId: bigint, evaluator: Hex, wrapped: Hex): Promise<MinedTransaction>;
  commitScore(jobId: bigint, commitment: Hex): Promise<MinedTransaction>;
  revealScore(jobId: bigint, score: Score, salt: Hex, signature: Hex): Promise<MinedTransaction>;
  publishTestKey(jobId: bigint, key: Hex): Promise<MinedTransaction>;
  completeJob(jobId: bigint): Promise<MinedTransaction>;
  expireJob(jobId: bigint): Promise<MinedTransaction>;
  withdraw(): Promise<MinedTransaction>;
  /** Takes what work that sealed blocks has earned. */
  withdrawWork(): Promise<MinedTransaction>;
  /** Records the beacon of the block it lands in; needed only on chains that do not do so themselves. */
  recordBeacon(): Promise<MinedTransaction>;
}

export function createWrites(context: MarketContext, sender: Sender | undefined): MarketWrites {
  const { jobManager, staking, workerRegistry, beaconHistory, usefulWork } = context;
  const send = sendBy(sender);
  const simple = (call: string) => (jobId: bigint) => send(jobManager, call, [jobId]);
  return {
    deposit: (amount) => send(staking, 'deposit', [], amount),
    register: (node) => send(workerRegistry, 'register', registrationArgs(node)),
    updateRegistration: (node) => send(workerRegistry, 'update', registrationArgs(node)),
    postJob: async (post, reward) =>
      postedJobId(jobManager, await send(jobManager, 'postJob', [postArgs(post)], reward)),
    cancelJob: simple('cancelJob'),
    assignWorker: simple('assignWorker'),
    closeAssignment: simple('closeAssignment'),
    deliverDataKey: (jobId, worker, wrapped) => send(jobManager, 'deliverDataKey', [jobId, worker, wrapped]),
    commitRound: (jobId, round, claim, signatures) =>
      send(jobManager, 'commitRound', [
        jobId,
        round,
        { ...claim, stateCid: cidToBytes(claim.stateCid) },
        signatures,
      ]),
    commitTrace: (jobId, round, claim) => send(jobManager, 'commitTrace', [jobId, round, claim]),
    submitResult: (jobId, result) =>
      send(jobManager, 'submitResult', [jobId, { ...result, modelCid: cidToBytes(result.modelCid) }]),
    drawEvaluators: simple('drawEvaluators'),
    deliverTestKey: (jobId, evaluator, wrapped) =>
      send(jobManager, 'deliverTestKey', [jobId, evaluator, wrapped]),
    commitScore: (jobId, commitment) => send(jobManager, 'commitScore', [jobId, commitment]),
    revealScore: (jobId, score, salt, signature) =>
      send(jobManager, 'revealScore', [jobId, score, salt, signature]),
    publishTestKey: (jobId, key) => send(jobManager, 'publishTestKey', [jobId, key]),
    completeJob: simple('completeJob'),
    expireJob: simple('expireJob'),
    withdraw: () => send(jobManager, 'withdraw', []),
    withdrawWork: async () => {
      if (usefulWork === undefined) throw noWork();
      return await send(usefulWork, 'withdraw', []);
    },
    recordBeacon: () => send(beaconHistory, 'record', []),
  };
}

/** Throws `NO_SIGNER` without a key. */
export const sendBy =
  (sender: Sender | undefined): Send =>
  async (contract, call, args, value = 0n) => {
    if (sender === undefined) throw noSigner(call);
    return await sender.send({ call, to: contract.address, data: contract.encode(call, args), value });
  };

const registrationArgs = (node: Registration): readonly unknown[] => [
  node.roles,
  node.peerId,
  node.readerKey,
  node.manifestHash,
  node.bands,
];

const postArgs = (post: JobPost): object => ({ ...post, documentCid: cidToBytes(post.documentCid) });

function postedJobId(jobManager: Contract, mined: MinedTransaction): bigint {
  for (const log of mined.logs) {
    if (log.address.toLowerCase() !== jobManager.address.toLowerCase()) continue;
    const event = decodeEvent(jobManager.codec, {
      ...log,
      blockNumber: `0x${mined.height.toString(16)}`,
      transactionHash: mined.hash,
    } satisfies RawLog);
    if (event?.name === 'JobPosted') return event.jobId;
  }
  throw new FedaiError('NO_EVENT', 'the transaction was mined without a JobPosted event', {
    hash: mined.hash,
  });
}

const noSigner = (call: string): FedaiError =>
  new FedaiError(
    'NO_SIGNER',
    `${call} needs a signing key`,
    {},
    { remedy: 'open the market with a private key' },
  );
