/** Opens the market: typed reads and writes of the contracts over one JSON-RPC endpoint. Owns no decisions. */
import { type Clock, type Hex, type Log, silentLog, steadyClock } from '../core/index.ts';
import {
  beaconHistoryAbi,
  jobManagerAbi,
  stakingAbi,
  trainingCourtAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} from './abi.ts';
import { checksummed } from './address.ts';
import type { MarketContext } from './context.ts';
import { bindContract } from './contract.ts';
import { type Court, createCourt } from './court.ts';
import { failover } from './failover.ts';
import { createReads, type MarketReads } from './reads.ts';
import type { RetryOptions } from './retry.ts';
import { createSender, type Sender } from './sender.ts';
import { httpTransport, type RpcTransport } from './transport.ts';
import { createWrites, type MarketWrites, sendBy } from './writes.ts';

/** Addresses, as in a chain spec's `contracts`. */
export interface MarketContracts {
  jobManager: Hex;
  staking: Hex;
  workerRegistry: Hex;
  beaconHistory: Hex;
  /** Absent on chains whose blocks carry no proofs of work. */
  usefulWork?: Hex | null | undefined;
  /** Absent where traces are not audited. */
  trainingCourt?: Hex | null | undefined;
}

export interface MarketOptions {
  /** URL, several separated by commas that stand in for each other, or a transport such as a test network in this process. */
  rpc: string | RpcTransport;
  contracts: MarketContracts;
  /** secp256k1 key that signs transactions; without it (and without a sender) the market is read-only. */
  signer?: Uint8Array;
  /** Signs and sends in place of a key that is here: a wallet. */
  sender?: Sender;
  log?: Log;
  clock?: Clock;
  /** Ends every wait and retry. */
  signal?: AbortSignal;
  /** How often a mined receipt is asked for. */
  pollMs?: number;
  /** Attempts at a call while the RPC is away; unset means until the signal aborts. */
  attempts?: number;
}

export interface Market extends MarketReads, MarketWrites {
  readonly contracts: MarketContracts;
  /** Checksummed address of the signer. */
  readonly account: Hex | undefined;
  readonly transport: RpcTransport;
  /** Absent where traces are not audited. */
  readonly court: Court | undefined;
}

/** Half a block at the default block time: a receipt is seen soon after its block. */
const DEFAULT_POLL_MS = 400;

export function openEndpoints(urls: string): RpcTransport {
  const [first, ...others] = urls.split(',');
  return failover([httpTransport(first!), ...others.map((url) => httpTransport(url))]);
}

export function createMarket(options: MarketOptions): Market {
  if (options.sender !== undefined || options.signer === undefined)
    return bindMarket(options, options.sender);
  const {
    signer,
    log = silentLog,
    clock = steadyClock,
    pollMs = DEFAULT_POLL_MS,
    signal,
    attempts,
  } = options;
  const transport = typeof options.rpc === 'string' ? openEndpoints(options.rpc) : options.rpc;
  const sender = createSender({ transport, privateKey: signer, log, clock, pollMs, signal, attempts });
  return bindMarket({ ...options, rpc: transport }, sender);
}

/** As `createMarket`, without what signing with a key here takes: for pages, which a wallet signs for. */
export function bindMarket(options: Omit<MarketOptions, 'signer' | 'sender'>, sender?: Sender): Market {
  const transport = typeof options.rpc === 'string' ? openEndpoints(options.rpc) : options.rpc;
  const log = options.log ?? silentLog;
  const clock = options.clock ?? steadyClock;
  const { signal, attempts } = options;
  const retrying: RetryOptions = { log, clock, signal, attempts };
  const { contracts } = options;
  const context: MarketContext = {
    transport,
    retrying,
    jobManager: bindContract(transport, checksummed(contracts.jobManager), jobManagerAbi, retrying),
    staking: bindContract(transport, checksummed(contracts.staking), stakingAbi, retrying),
    workerRegistry: bindContract(
      transport,
      checksummed(contracts.workerRegistry),
      workerRegistryAbi,
      retrying,
    ),
    beaconHistory: bindContract(transport, checksummed(contracts.beaconHistory), beaconHistoryAbi, retrying),
    usefulWork:
      contracts.usefulWork == null
        ? undefined
        : bindContract(transport, checksummed(contracts.usefulWork), usefulWorkAbi, retrying),
    trainingCourt:
      contracts.trainingCourt == null
        ? undefined
        : bindContract(transport, checksummed(contracts.trainingCourt), trainingCourtAbi, retrying),
  };
  return {
    contracts,
    transport,
    account: sender?.address,
    court: context.trainingCourt && createCourt(context.trainingCourt, sendBy(sender)),
    ...createReads(context),
    ...createWrites(context, sender),
  };
}
