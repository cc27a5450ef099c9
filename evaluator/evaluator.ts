/** The evaluator daemon: enrols in the pool, scores what it is drawn for, and serves results after the workers are gone. Speaks JSON-RPC only. */
import { join as joinPath } from 'node:path';
import { type FedaiError, type Log, type Metrics, noMetrics, type Service } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { ReplayLimits } from '../job/index.ts';
import {
  createMarket,
  createMarketDaemon,
  type DaemonDuties,
  EVALUATOR_ROLE,
  type MarketContracts,
  type Job as PostedJob,
  type RpcTransport,
} from '../market/index.ts';
import { type Peer, readFileIfPresent, writeFileAtomic } from '../storage/index.ts';
import { type Auditor, createAuditor } from './auditor.ts';
import type { EvaluatorContext, EvaluatorEvent } from './context.ts';
import { type Duty, startDuty } from './duty.ts';
import { measureEvaluator } from './metrics.ts';

export interface EvaluatorOptions {
  rpc: string | RpcTransport;
  contracts: MarketContracts;
  keys: KeySet;
  /** Started by the caller, who also stops it after the evaluator. */
  peer: Peer;
  dataDir: string;
  log: Log;
  metrics?: Metrics;
  onEvent?: (event: EvaluatorEvent) => void;
  /** Hears of trouble of the machine (a full disk); the process should end. */
  onFault?: (fault: FedaiError) => void;
  /** Stake to hold, wei; unset means the least that an evaluator needs. */
  stake?: bigint;
  kernel?: 'auto' | 'reference' | 'wasm';
  /** Of the chain: what a segment may cost that is executed again. Without it nothing is audited. */
  replayLimits?: ReplayLimits | undefined;
  /** How often the chain is asked for a new height. */
  pollMs?: number;
}

const CURSOR_FILE = 'evaluator.json';

interface Daemon {
  context: EvaluatorContext;
  duties: Map<bigint, Duty>;
  /** Latest view of each job. */
  seen: Map<bigint, PostedJob>;
  auditor: Auditor | undefined;
}

/** An evaluator that lasts until `stop`; an RPC that is away is waited for. */
export function createEvaluator(options: EvaluatorOptions): Service {
  const { log, pollMs, dataDir } = options;
  const path = joinPath(dataDir, CURSOR_FILE);
  const cursor = {
    read: () => readFileIfPresent(path),
    write: (bytes: Uint8Array) => writeFileAtomic(path, bytes),
  };
  return createMarketDaemon({
    log,
    pollMs,
    cursor,
    onFault: options.onFault,
    open: (signal) => open(options, signal),
  });
}

async function open(options: EvaluatorOptions, signal: AbortSignal): Promise<DaemonDuties> {
  const { keys, peer, dataDir, contracts, log, rpc } = options;
  const market = createMarket({ rpc, contracts, signer: keys.evm.privateKey, log, signal });
  const context: EvaluatorContext = {
    market,
    domain: { chainId: await market.chainId(), jobManager: contracts.jobManager },
    account: keys.evm.address,
    keys,
    peer,
    dataDir,
    log,
    onEvent: measureEvaluator(options.metrics ?? noMetrics, options.onEvent ?? (() => {})),
    onFault: options.onFault ?? (() => {}),
    kernel: options.kernel ?? 'auto',
    signal,
  };
  const duties = new Map<bigint, Duty>();
  const { court } = market;
  const limits = options.replayLimits;
  const isBusy = () => [...duties.values()].some(({ busy }) => busy);
  const auditor = court && limits && createAuditor({ context, court, limits, isBusy });
  const daemon: Daemon = { context, duties, seen: new Map(), auditor };
  return {
    market,
    wish: async () => ({
      roles: EVALUATOR_ROLE,
      bands: 0,
      readerKey: keys.reader.publicKey,
      peerId: peer.libp2p.peerId.toMultihash().bytes,
      stake: options.stake ?? (await market.parameters()).minEvaluatorStake,
    }),
    onJobs: async (jobs, height) => onJobs(daemon, jobs, height),
    unfinished: () => daemon.duties.keys(),
    async close() {
      await Promise.allSettled([auditor?.close(), ...[...duties.values()].map((duty) => duty.stop())]);
    },
  };
}

function onJobs(
  { context, duties, seen, auditor }: Daemon,
  jobs: readonly PostedJob[],
  height: number,
): void {
  for (const posted of jobs) {
    seen.set(posted.id, posted);
    if (!duties.has(posted.id)) duties.set(posted.id, startDuty(context, posted.id));
  }
  auditor?.look(height);
  for (const [jobId, duty] of duties) {
    if (!duty.finished) duty.offer(seen.get(jobId)!, height);
    else {
      duties.delete(jobId);
      seen.delete(jobId);
    }
  }
}
