/** Filters that a client polls. They live in memory and are forgotten when nobody asks. */
import { randomBytes } from 'node:crypto';
import { type Hex, toHex } from '../../../core/index.ts';
import { LIMIT_EXCEEDED, rpcFault, SERVER_ERROR } from '../faults.ts';
import type { MethodGroup, RpcContext } from '../types.ts';
import { findLogs, type LogQuery, readLogQuery } from './logs.ts';

/** As geth. */
const IDLE_MS = 5 * 60 * 1000;
const MAX_FILTERS = 1_000;
/** Hashes that a filter for waiting transactions keeps. */
const MAX_PENDING = 10_000;

type Filter = { usedAtMs: number } & (
  | { readonly kind: 'logs'; readonly query: LogQuery; next: number }
  | { readonly kind: 'blocks'; next: number }
  | { readonly kind: 'pending'; hashes: Hex[] }
);

export const filterMethods: MethodGroup = (context) => {
  const { application, clock } = context;
  const filters = new Map<string, Filter>();
  application.pool.onAdded(({ hash }) => {
    for (const filter of filters.values()) {
      if (filter.kind === 'pending' && filter.hashes.length < MAX_PENDING) filter.hashes.push(hash);
    }
  });
  const add = (filter: Filter): string => {
    forgetIdle(filters, clock.now());
    if (filters.size >= MAX_FILTERS) throw rpcFault(LIMIT_EXCEEDED, 'too many filters');
    const id = toHex(randomBytes(16));
    filters.set(id, filter);
    return id;
  };
  const use = (id: unknown): Filter => {
    forgetIdle(filters, clock.now());
    const filter = typeof id === 'string' ? filters.get(id) : undefined;
    if (filter === undefined) throw rpcFault(SERVER_ERROR, 'filter not found');
    filter.usedAtMs = clock.now();
    return filter;
  };
  const next = () => application.head.height + 1;
  return {
    eth_newFilter: ([criteria]) => {
      const query = readLogQuery(application, criteria);
      return add({ kind: 'logs', query, next: next(), usedAtMs: clock.now() });
    },
    eth_newBlockFilter: () => add({ kind: 'blocks', next: next(), usedAtMs: clock.now() }),
    eth_newPendingTransactionFilter: () => add({ kind: 'pending', hashes: [], usedAtMs: clock.now() }),
    eth_uninstallFilter: ([id]) => typeof id === 'string' && filters.delete(id),
    eth_getFilterChanges: ([id]) => changes(context, use(id)),
    eth_getFilterLogs: ([id]) => {
      const filter = use(id);
      if (filter.kind !== 'logs') throw rpcFault(SERVER_ERROR, 'filter not found');
      return findLogs(application, { ...filter.query, to: application.head.height });
    },
  };
};

function forgetIdle(filters: Map<string, Filter>, nowMs: number): void {
  for (const [id, filter] of filters) if (nowMs - filter.usedAtMs > IDLE_MS) filters.delete(id);
}

async function changes({ application }: RpcContext, filter: Filter): Promise<unknown[]> {
  if (filter.kind === 'pending') {
    const { hashes } = filter;
    filter.hashes = [];
    return hashes;
  }
  const from = filter.next;
  const to = application.head.height;
  filter.next = to + 1;
  if (from > to) return [];
  if (filter.kind === 'logs') return await findLogs(application, { ...filter.query, from, to });
  const heights = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return heights.map((height) => toHex(application.store.block(height)!.header.hash()));
}
