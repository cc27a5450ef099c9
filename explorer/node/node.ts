/** The chain node behind this page: its questions, its contracts, its latest blocks, and whether it is there. */
import { FedaiError, type Hex } from '../../core/index.ts';
import type { Market, MarketContracts } from '../../market/index.ts';
import { createAsk } from '../rpc/ask.ts';
import { followHeads } from '../rpc/heads.ts';
import type { Glance, Status } from '../rpc/shapes.ts';
import { pageTransport } from '../rpc/transport.ts';
import { createStore } from './store.ts';

/** Blocks shown as they come: three screens of a wide page. */
const RECENT = 60;
/** What a node says of itself is asked again at most this often. */
const STATUS_EVERY_MS = 3_000;

const origin = location.origin;
export const transport = pageTransport(`${origin}/`);
export const ask = createAsk(transport);

export interface NodeState {
  link: 'connecting' | 'live' | 'away';
  /** Height of the latest block; -1 before the first answer. */
  height: number;
  /** Newest first. */
  recent: readonly Glance[];
  /** Milliseconds to finality of the heights that this node decided while we watched. */
  finality: ReadonlyMap<number, number>;
  status: Status | undefined;
}

export const node = createStore<NodeState>({
  link: 'connecting',
  height: -1,
  recent: [],
  finality: new Map(),
  status: undefined,
});

let ready: Promise<Status> | undefined;

/** What the node says of its chain; asked once, and again after a failure. */
export function chainStatus(): Promise<Status> {
  ready ??= ask.status().catch((error: unknown) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

/** Of the newest block known here; asked for when none has come yet. */
export async function latestHeight(): Promise<number> {
  const { height } = node.get();
  return height >= 0 ? height : (await ask.status()).height;
}

let opened: Promise<Market> | undefined;

/** Typed reads of the chain's contracts. Throws `NO_MARKET` on a chain without them. */
export function openMarket(): Promise<Market> {
  opened ??= chainStatus()
    .then(async ({ contracts }) => {
      if (!contracts['jobManager'] || !contracts['staking'])
        throw new FedaiError('NO_MARKET', 'this chain has no job market');
      // What it needs to speak with contracts is the larger half of the explorer, and nothing of the frame.
      const { bindMarket } = await import('./market.ts');
      return bindMarket({
        rpc: transport,
        contracts: contracts as unknown as MarketContracts,
        attempts: 1,
      });
    })
    .catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  return opened;
}

/** Address of a contract of the chain spec; throws where the chain has none. */
export async function contractAt(name: string): Promise<Hex> {
  const address = (await chainStatus()).contracts[name];
  if (!address) throw new FedaiError('NO_CONTRACT', `this chain has no contract ${name}`);
  return address;
}

let statusAskedAt = 0;

async function refreshStatus(): Promise<void> {
  const now = Date.now();
  if (now - statusAskedAt < STATUS_EVERY_MS) return;
  statusAskedAt = now;
  learn(await ask.status());
}

/** Heights whose time to finality is remembered: some hours. */
const MOST_TIMES = 10_000;

function learn(status: Status): void {
  const finality = new Map(node.get().finality);
  for (const [i, height] of status.finalityHeights.entries()) finality.set(height, status.finalityMs[i] ?? 0);
  for (const height of finality.keys()) {
    if (finality.size <= MOST_TIMES) break;
    finality.delete(height);
  }
  node.set({ status, finality });
}

/** Brings `recent` up to `height`, whatever was missed. */
async function catchUp(height: number): Promise<void> {
  const { recent } = node.get();
  const known = new Map(recent.map((block) => [block.number, block]));
  const heights = Array.from({ length: Math.min(RECENT, height + 1) }, (_, i) => height - i);
  const blocks = await Promise.all(heights.map(async (one) => known.get(one) ?? (await ask.glance(one))));
  // A later head may have come while this one was asked for.
  if (height < node.get().height) return;
  node.set({ height, recent: blocks.filter((block) => block !== null) });
}

const quietly = (work: Promise<unknown>): void => void work.catch(() => {});

/** Starts to follow the node. */
export function startNode(): void {
  followHeads(`${origin.replace(/^http/, 'ws')}/`, {
    onLink(isUp) {
      node.set({ link: isUp ? 'live' : 'away' });
      if (!isUp) return;
      statusAskedAt = 0;
      quietly(
        ask.status().then((status) => {
          learn(status);
          return catchUp(status.height);
        }),
      );
    },
    onHead(head) {
      quietly(catchUp(head.number));
      quietly(refreshStatus());
    },
  });
}
