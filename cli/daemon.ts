/** Runs a market daemon (worker or evaluator): keys, peer, the daemon on top, and a stop in reverse order. */
import { join } from 'node:path';
import { type Hex, type Log, type Service, sleep } from '../core/index.ts';
import type { KeySet } from '../core/keys/index.ts';
import type { Peer } from '../storage/index.ts';
import { type Context, untilStopped } from './action.ts';
import { readChainFile } from './chainFile.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { openKeySet } from './keySet.ts';
import type { ChainAccess, PartyAccess, PeerAccess } from './options.ts';
import { openMarket, openPeer } from './party.ts';

export interface DaemonParts {
  rpc: string;
  contracts: { jobManager: Hex; staking: Hex; workerRegistry: Hex; beaconHistory: Hex };
  keys: KeySet;
  peer: Peer;
  dataDir: string;
  log: Log;
  onEvent: (event: { type: string }) => void;
}

/** Enrolment takes a block or two; asking more often gains nothing. */
const ENROLMENT_POLL_MS = 500;
/** Where a daemon keeps what it must remember across a kill, under its data directory. */
const STATE_FOLDER = 'state';

/** Prints `ready` once the daemon has enrolled, then its events, until it is told to stop. */
export async function runDaemon(
  context: Context,
  options: ChainAccess & PartyAccess & PeerAccess,
  create: (parts: DaemonParts) => Service,
): Promise<ExitCode> {
  const { output, signal } = context;
  const chain = await readChainFile(options.chainSpec);
  const keys = await openKeySet(options);
  const peer = await openPeer(options, {
    peerPrivateKey: keys.peer.privateKey,
    bootstrap: chain.bootstrap,
    log: output.log,
  });
  const about = { address: keys.evm.address, peerId: peer.peerId, addresses: peer.addresses() };
  output.event({ event: 'started', ...about }, `${about.address} at ${about.addresses[0]}`);
  const daemon = create({
    rpc: options.rpc,
    contracts: chain.contracts,
    keys,
    peer,
    dataDir: join(options.dataDir, STATE_FOLDER),
    log: output.log,
    onEvent: ({ type, ...fields }) => output.event({ event: type, ...fields }),
  });
  try {
    await daemon.start();
    await enrolled(context, options, about.address);
    if (!signal.aborted) output.event({ event: 'ready', ...about }, 'enrolled; waiting for work');
    await untilStopped(signal);
  } finally {
    output.log.info('stopping');
    await daemon.stop();
    await peer.stop();
  }
  return EXIT.ok;
}

/** Resolves when the account stands in the registry, or when the daemon is to stop. */
async function enrolled(context: Context, options: ChainAccess, account: Hex): Promise<void> {
  const { market } = await openMarket(context, options, { patient: true });
  try {
    while ((await market.nodeOf(account)).roles === 0) await sleep(ENROLMENT_POLL_MS, context.signal);
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
}
