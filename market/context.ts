/** What every part of the market client shares: the transport, the bound contracts and how to retry. */
import type { Contract } from './contract.ts';
import type { RetryOptions } from './retry.ts';
import type { RpcTransport } from './transport.ts';

export interface MarketContext {
  transport: RpcTransport;
  jobManager: Contract;
  staking: Contract;
  workerRegistry: Contract;
  beaconHistory: Contract;
  /** Absent on chains whose blocks carry no proofs of work. */
  usefulWork: Contract | undefined;
  /** Absent where traces are not audited. */
  trainingCourt: Contract | undefined;
  retrying: RetryOptions;
}
