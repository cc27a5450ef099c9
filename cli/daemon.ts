/** Runs a market daemon (worker or evaluator): keys, peer, the daemon on top, and a stop in reverse order. */
import { join } from 'node:path';
import { FedaiError, type Hex, type Log, type Metrics, type Service, sleep } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { Check } from '../core/metrics/index.ts';
import type { ReplayLimits } from '../job/index.ts';
import type { Market, MarketContracts, MeasuredTransport, RpcTransport } from '../market/index.ts';
import type { Peer } from '../storage/index.ts';
import { type Context, untilStopped } from './action.ts';
import { readChainFile } from './chainFile.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { checkHost } from './host.ts';
import { openKeySet } from './keySet.ts';
import { type MetricsAccess, openMetrics } from './metrics.ts';
import {
  type ChainAccess,
  type ContentAccess,
  formatTrain,
  type PartyAccess,
  type PeerAccess,
} from './options.ts';
import { openMarket, openPeer } from './party.ts';

export interface DaemonParts {
  rpc: RpcTransport;
  contracts: MarketContracts;
  /** Of the chain; absent where blocks carry no proofs of work. */
  replayLimits: ReplayLimits | undefined;
  keys: KeySet;
  peer: Peer;
  dataDir: string;
  log: Log;
  metrics: Metrics;
  onEvent: (event: { type: string }) => void;
  onFault: (fault: FedaiError) => void;
}

interface DaemonOptions extends ChainAccess, ContentAccess, PartyAccess, PeerAccess, MetricsAccess {
  /** Wei to hold as stake. */
  stake: bigint;
}

/** Enrolment takes a block or two; asking more often gains nothing. */
const ENROLMENT_POLL_MS = 500;
/** Where a daemon keeps what it must remember across a kill, under its data directory. */
const STATE_FOLDER = 'state';

/** Prints `ready` once the daemon has enrolled, then its events, until it is told to stop. */
export async function runDaemon(
  context: Context,
  role: 'worker' | 'evaluator',
  options: DaemonOptions,
  create: (parts: DaemonParts) => Service,
): Promise<ExitCode> {
  const { output, signal, fail } = context;
  await checkHost(options.dataDir, output.log);
  const chain = await readChainFile(options.chainSpec);
  const keys = await openKeySet(options, signal);
  const measuring = await openMetrics(options);
  const { metrics } = measuring;
  const peer = await openPeer(context, options, {
    peerPrivateKey: keys.peer.privateKey,
    bootstrap: chain.bootstrap,
    metrics,
  });
  const { measureTransport, openEndpoints } = await import('../market/index.ts');
  const rpc = measureTransport(metrics, openEndpoints(options.rpc));
  const state = { isEnrolled: false };
  const metricsUrl = await measuring.serve(readyChecks(peer, rpc, state)).catch(async (error) => {
    await peer.stop();
    throw error;
  });
  const about = {
    address: keys.evm.address,
    peerId: peer.peerId,
    addresses: peer.addresses(),
    ...(metricsUrl !== undefined && { metricsUrl }),
  };
  output.event({ event: 'started', ...about }, `${about.address} at ${about.addresses[0]}`);
  const { market } = await openMarket(context, options, { patient: true });
  let daemon: Service | undefined;
  const parts = {
    rpc,
    contracts: chain.contracts,
    replayLimits: chain.work,
    keys,
    peer,
    dataDir: join(options.dataDir, STATE_FOLDER),
    log: output.log,
    metrics,
    onEvent: ({ type, ...fields }: { type: string }) => output.event({ event: type, ...fields }),
    onFault: fail,
  };
  try {
    await checkStake(market, role, about.address, options.stake);
    daemon = create(parts);
    await daemon.start();
    await enrolled(market, about.address, signal);
    state.isEnrolled = true;
    output.event({ event: 'ready', ...about }, 'enrolled; waiting for work');
    await untilStopped(signal);
  } catch (error) {
    // To be stopped while it waits for its RPC is a daemon's ordinary end.
    if (!signal.aborted) throw error;
  } finally {
    output.log.info('stopping');
    await measuring.stop();
    await daemon?.stop();
    await peer.stop();
  }
  return EXIT.ok;
}

/** One call that fails is no outage. */
const RPC_AWAY_SECONDS = 5;

function readyChecks(
  peer: Peer,
  rpc: MeasuredTransport,
  state: { readonly isEnrolled: boolean },
): Readonly<Record<string, Check>> {
  return {
    peers: () => (peer.peers().length === 0 ? 'no peer is connected' : undefined),
    enrolled: () => (state.isEnrolled ? undefined : 'not in the registry yet'),
    rpc() {
      const away = rpc.awaySeconds();
      if (away === undefined) return 'the RPC was not asked yet';
      return away > RPC_AWAY_SECONDS ? `the RPC has not answered for ${Math.round(away)} s` : undefined;
    },
  };
}

/** Throws `TOO_LITTLE_STAKE` or `INSUFFICIENT_FUNDS` before anything is sent. An RPC that is away is waited for. */
async function checkStake(
  market: Market,
  role: 'worker' | 'evaluator',
  account: Hex,
  stake: bigint,
): Promise<void> {
  const { minWorkerStake, minEvaluatorStake } = await market.parameters();
  const least = role === 'worker' ? minWorkerStake : minEvaluatorStake;
  const held = await market.stakeOf(account);
  if (stake < least && held < least) {
    throw new FedaiError(
      'TOO_LITTLE_STAKE',
      `this network asks more stake of ${role === 'worker' ? 'a worker' : 'an evaluator'}`,
      { got: `${formatTrain(stake)} TRAIN`, expected: `>= ${formatTrain(least)} TRAIN` },
      { remedy: `give --stake ${formatTrain(least)} or more` },
    );
  }
  const missing = stake - held;
  if (missing <= 0n) return;
  const balance = await market.balanceOf(account);
  if (balance > missing) return;
  throw new FedaiError(
    'INSUFFICIENT_FUNDS',
    'the account does not hold the stake and the fees',
    { account, got: `${formatTrain(balance)} TRAIN`, expected: `> ${formatTrain(missing)} TRAIN` },
    { remedy: 'send TRAIN to the account, or give a smaller --stake' },
  );
}

/** Resolves when the account stands in the registry. */
async function enrolled(market: Market, account: Hex, signal: AbortSignal): Promise<void> {
  while ((await market.nodeOf(account)).roles === 0) await sleep(ENROLMENT_POLL_MS, signal);
}
