/** What the groups of methods are built from. */
import type { Clock, Log, Metrics } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import type { Params } from './params.ts';

export interface RpcContext {
  readonly application: ChainApplication;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** Merged into the answer of `fedai_status`: finality, peers, consensus round. */
  readonly status: () => object | Promise<object>;
  /** Contradictions of validators that this node knows of, for `fedai_getEvidence`. */
  readonly evidence: () => Promise<readonly object[]>;
  /** Connected peers, for `fedai_getPeers`; without addresses. */
  readonly peers: () => Promise<readonly object[]>;
}

export type Method = (params: Params) => unknown;
export type MethodGroup = (context: RpcContext) => Record<string, Method>;
