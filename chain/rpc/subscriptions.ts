/**
 * `eth_subscribe` and `eth_unsubscribe` of one caller that can be told things: new heads, logs, waiting transactions and
 * the end of catching up. Owns the subscriptions, not the connection.
 */
import { randomBytes } from 'node:crypto';
import { type Hex, toHex } from '../../core/index.ts';
import { invalidParams, LIMIT_EXCEEDED, rpcFault } from './faults.ts';
import { formatBlock, formatTransaction } from './format.ts';
import { type LogQuery, logsAt, readLogQuery } from './methods/logs.ts';
import type { Method, RpcContext } from './types.ts';
import { proofsOf } from './useful-work.ts';

export interface Subscriptions {
  readonly methods: ReadonlyMap<string, Method>;
  readonly count: number;
  close(): void;
}

/** Of one connection; what a busy page of ethers or viem has is below ten. */
const MAX_SUBSCRIPTIONS = 64;

type Subscription =
  | { readonly kind: 'newHeads' }
  | { readonly kind: 'logs'; readonly query: LogQuery }
  | { readonly kind: 'newPendingTransactions'; readonly full: boolean }
  | { readonly kind: 'syncing'; last: boolean };

/** `notify` gets the text of each notification. */
export function createSubscriptions(context: RpcContext, notify: (text: string) => void): Subscriptions {
  const { application } = context;
  const all = new Map<Hex, Subscription>();
  const tell = (subscription: Hex, result: unknown) =>
    notify(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription, result } }));
  const unhear = [
    application.onCommit(({ block }) => {
      const height = Number(block.header.number);
      for (const [id, one] of all) {
        if (one.kind === 'newHeads') tell(id, headOf(context, height));
        else if (one.kind === 'logs') for (const log of logsAt(application, height, one.query)) tell(id, log);
        else if (one.kind === 'syncing') void tellSyncing(context, one, (result) => tell(id, result));
      }
    }),
    application.pool.onAdded(({ hash, tx }) => {
      for (const [id, one] of all) {
        if (one.kind !== 'newPendingTransactions') continue;
        tell(id, one.full ? formatTransaction(tx) : hash);
      }
    }),
  ];
  return {
    get count() {
      return all.size;
    },
    methods: new Map<string, Method>([
      [
        'eth_subscribe',
        async (params) => {
          if (all.size >= MAX_SUBSCRIPTIONS) throw rpcFault(LIMIT_EXCEEDED, 'too many subscriptions');
          const subscription = await readSubscription(context, params);
          const id = toHex(randomBytes(16));
          all.set(id, subscription);
          return id;
        },
      ],
      ['eth_unsubscribe', ([id]) => typeof id === 'string' && all.delete(id as Hex)],
    ]),
    close() {
      for (const stop of unhear) stop();
      all.clear();
    },
  };
}

async function readSubscription(
  context: RpcContext,
  [kind, detail]: readonly unknown[],
): Promise<Subscription> {
  switch (kind) {
    case 'newHeads':
      return { kind };
    case 'logs':
      // Only address and topics count: what comes is by its nature from the newest block.
      return { kind, query: readLogQuery(context.application, criteriaOf(detail)) };
    case 'newPendingTransactions':
      return { kind, full: detail === true };
    case 'syncing':
      return { kind, last: await isSyncing(context) };
    default:
      throw invalidParams('subscription: expected newHeads, logs, newPendingTransactions or syncing');
  }
}

function criteriaOf(detail: unknown): object {
  if (detail === undefined || detail === null) return {};
  if (typeof detail !== 'object') throw invalidParams('filter: expected an object');
  const { address, topics } = detail as Record<string, unknown>;
  return { address, topics };
}

/** A block without its body, as nodes notify it. */
function headOf({ application }: RpcContext, height: number) {
  const block = application.store.block(height)!;
  const { transactions, size, totalDifficulty, uncles, withdrawals, ...head } = formatBlock(
    block,
    [],
    0,
    proofsOf(application, block),
  );
  return head;
}

async function isSyncing({ status }: RpcContext): Promise<boolean> {
  return ((await status()) as { syncing?: unknown }).syncing === true;
}

async function tellSyncing(
  context: RpcContext,
  subscription: { last: boolean },
  tell: (result: boolean) => void,
): Promise<void> {
  const syncing = await isSyncing(context);
  if (syncing === subscription.last) return;
  subscription.last = syncing;
  tell(syncing);
}
