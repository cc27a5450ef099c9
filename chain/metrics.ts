/** What a chain node counts and tells of itself; its peers and requests are counted by the network. Owns no state of the chain. */
import { type Metrics, systemClock, type Verdict } from '../core/index.ts';
import type { ChainApplication } from './application.ts';
import type { Consensus, ConsensusMessage, ConsensusStorage } from './consensus/index.ts';
import type { ChainStore } from './store/index.ts';
import type { Sync } from './sync/index.ts';
import type { ConsensusNetwork } from './types.ts';

export interface MeasuredChain {
  application: ChainApplication;
  consensus: Consensus;
  sync: Sync;
}

const ROUNDS: readonly number[] = [0, 1, 2, 3, 5, 10, 20];
const COUNTS: readonly number[] = [0, 1, 5, 10, 25, 50, 100, 250, 500, 1_000];

/** Gauges that are read when asked for, and what each final block adds. */
export function measureChain(metrics: Metrics, { application, consensus, sync }: MeasuredChain): void {
  const { pool } = application;
  const height = () => application.head.height;
  metrics.gauge('fedai_chain_height', 'Height of the last final block.', height);
  metrics.gauge('fedai_chain_head_age_seconds', 'Time since the timestamp of the last final block.', () =>
    headAgeSeconds(application),
  );
  metrics.gauge('fedai_chain_sync_lag_blocks', 'Blocks that peers claim beyond the own head.', () =>
    Math.max(0, sync.bestKnown() - height()),
  );
  metrics.gauge(
    'fedai_consensus_round',
    'Consensus round of the height under vote.',
    () => consensus.status()?.round,
  );
  metrics.gauge(
    'fedai_consensus_validator',
    '1 when this node votes at the height under vote, else 0.',
    () => (consensus.status()?.validator ? 1 : 0),
  );
  metrics.gauge(
    'fedai_consensus_evidence',
    'Contradictions of validators that this node holds proof of.',
    () => consensus.evidence().length,
  );
  metrics.gauge('fedai_mempool_transactions', 'Transactions that wait for a block.', () => pool.count);
  metrics.gauge('fedai_mempool_bytes', 'Bytes of the transactions that wait.', () => pool.bytes);
  measureBlocks(metrics, consensus);
}

export const headAgeSeconds = ({ head }: ChainApplication): number =>
  Math.max(0, systemClock.now() / 1000 - head.timestamp);

function measureBlocks(metrics: Metrics, consensus: Consensus): void {
  const blocks = metrics.counter(
    'fedai_chain_blocks_total',
    'Blocks that became final here, by source (own votes, sync).',
    ['source'],
  );
  const transactions = metrics.counter('fedai_chain_transactions_total', 'Transactions in these blocks.');
  const gas = metrics.counter('fedai_chain_gas_total', 'Gas that these blocks used.');
  const perBlock = metrics.histogram('fedai_chain_block_transactions', 'Transactions in a block.', {
    buckets: COUNTS,
  });
  const rounds = metrics.histogram(
    'fedai_consensus_rounds',
    'Round in which a height was decided; 0 is the first.',
    {
      buckets: ROUNDS,
    },
  );
  const missed = metrics.counter(
    'fedai_consensus_missed_proposals_total',
    'Rounds of final heights that ended without a decision.',
  );
  const finality = metrics.histogram(
    'fedai_consensus_finality_seconds',
    'From the start of a height on this node to its commit on disk; blocks from sync are left out.',
  );
  consensus.onDecided(({ block, commit, finalityMs }) => {
    blocks.add({ source: finalityMs === null ? 'sync' : 'votes' });
    transactions.add({}, block.transactions.length);
    perBlock.observe(block.transactions.length);
    gas.add({}, Number(block.header.gasUsed));
    rounds.observe(commit.round);
    missed.add({}, commit.round);
    if (finalityMs !== null) finality.observe(finalityMs / 1000);
  });
}

/** The same network; what arrives is counted by kind and by what became of it. */
export function countMessages(
  metrics: Metrics,
  network: ConsensusNetwork<ConsensusMessage>,
): ConsensusNetwork<ConsensusMessage> {
  const messages = metrics.counter(
    'fedai_consensus_messages_total',
    'Votes and proposals of peers, by kind, verdict and reason.',
    ['kind', 'verdict', 'reason'],
  );
  return {
    ...network,
    onMessage(handler) {
      network.onMessage(async (message, from) => {
        const verdict = await handler(message, from);
        const kind = message.kind === 'vote' ? message.type : message.kind;
        messages.add({ kind, verdict: verdict.verdict, reason: reasonOf(verdict) });
        return verdict;
      });
    },
  };
}

/** Reasons hold numbers of validators and words of decoders: only their kind may become a label. */
const REASONS: readonly [pattern: RegExp, label: string][] = [
  [/^signature/, 'signature'],
  [/^known$/, 'known'],
  [/decided/, 'decided height'],
  [/next height/, 'next height'],
  [/far ahead/, 'far ahead'],
  [/contradicts/, 'contradiction'],
  [/too many/, 'flood'],
  [/future/, 'clock'],
];

function reasonOf(verdict: Verdict): string {
  if (verdict.verdict === 'accept') return 'none';
  return REASONS.find(([pattern]) => pattern.test(verdict.reason))?.[1] ?? 'form';
}

/** The same storage; how long its write-ahead log takes to reach the disk is measured. */
export function measureLog(metrics: Metrics, storage: ConsensusStorage): ConsensusStorage {
  const seconds = metrics.histogram('fedai_wal_sync_seconds', 'Time to bring the write-ahead log to disk.');
  const { wal } = storage;
  return {
    ...storage,
    wal: {
      records: () => wal.records(),
      append: (record) => wal.append(record),
      reset: (records) => wal.reset(records),
      sync() {
        const startedMs = performance.now();
        wal.sync();
        seconds.observe((performance.now() - startedMs) / 1000);
      },
    },
  };
}

/** Measures from here on how long a block takes to be written. */
export function measureStore(metrics: Metrics, store: ChainStore): void {
  const seconds = metrics.histogram('fedai_db_write_seconds', 'Time to write a block and its state to disk.');
  const append = store.append.bind(store);
  store.append = async (stored) => {
    const startedMs = performance.now();
    await append(stored);
    seconds.observe((performance.now() - startedMs) / 1000);
  };
}
