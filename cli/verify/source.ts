/** Where the evidence comes from: one RPC endpoint and the content behind it. Nothing that it says is believed. */
import { FedaiError, fromHex, type Hex } from '../../core/index.ts';
import { type BlockCommit, type ConsensusSection, decodeCommit, decodeSection } from '../../light/index.ts';
import {
  createMarket,
  type EventOf,
  type JobReceipt,
  type MarketContracts,
  receiptStorageKey,
} from '../../market/index.ts';
import { type ContentReader, gatewayStore } from '../../storage/index.ts';
import { firstUrl } from '../options.ts';

export interface HeaderEvidence {
  headerRlp: Uint8Array;
  section: ConsensusSection;
  commit: BlockCommit;
}

export interface ProofEvidence {
  accountProof: readonly Hex[];
  storageProof: readonly Hex[];
}

export interface EvidenceSource {
  /** Newest block with its commit. */
  header(): Promise<HeaderEvidence>;
  /** EIP-1186 proof of the receipt's hash at a height. */
  proof(jobId: bigint, height: number): Promise<ProofEvidence>;
  receipt(jobId: bigint): Promise<JobReceipt>;
  /** Zero when it is not published. */
  testKey(jobId: bigint): Promise<Hex>;
  reveals(jobId: bigint): Promise<EventOf<'ScoreRevealed'>[]>;
  content: ContentReader;
}

/** A verifier is waited for: it gives up after this many tries. */
const ATTEMPTS = 3;

export function rpcSource(rpc: string, contracts: MarketContracts, signal: AbortSignal): EvidenceSource {
  const market = createMarket({ rpc, contracts, attempts: ATTEMPTS, signal });
  return {
    async header() {
      const height = await market.height();
      const answer = await market.transport.request('fedai_getCommit', [height], signal);
      return headerEvidence(answer);
    },
    async proof(jobId, height) {
      const { jobManager } = contracts;
      const params = [jobManager, [receiptStorageKey(jobId)], `0x${height.toString(16)}`];
      return proofEvidence(await market.transport.request('eth_getProof', params, signal));
    },
    receipt: (jobId) => market.jobReceipt(jobId),
    testKey: async (jobId) => (await market.job(jobId)).testKey,
    async reveals(jobId) {
      const { postedAt } = await market.job(jobId);
      const events = await market.events({ fromHeight: postedAt, jobId, names: ['ScoreRevealed'] });
      return events.filter((event) => event.name === 'ScoreRevealed');
    },
    content: gatewayStore(firstUrl(rpc)),
  };
}

function headerEvidence(answer: unknown): HeaderEvidence {
  const { header, sectionRlp, commitRlp } = (answer ?? {}) as Record<string, unknown>;
  if (typeof header !== 'string' || typeof sectionRlp !== 'string' || typeof commitRlp !== 'string') {
    throw new FedaiError('BAD_ANSWER', 'the RPC gave no header with a block commit');
  }
  return {
    headerRlp: fromHex(header),
    section: decodeSection(fromHex(sectionRlp)),
    commit: decodeCommit(fromHex(commitRlp)),
  };
}

function proofEvidence(answer: unknown): ProofEvidence {
  const { accountProof, storageProof } = (answer ?? {}) as Record<string, unknown>;
  const slot = Array.isArray(storageProof) ? (storageProof[0] as { proof?: unknown } | undefined) : undefined;
  if (!isHexList(accountProof) || !isHexList(slot?.proof)) {
    throw new FedaiError('BAD_ANSWER', 'the RPC gave no account and storage proof');
  }
  return { accountProof, storageProof: slot.proof };
}

const isHexList = (value: unknown): value is Hex[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
