/**
 * The client's part while a job runs: hands keys to those who were drawn, by the same agent as `fedai job post`. The wallet
 * asks about each; what its owner declines stops the asking until it is taken up again.
 */
import { FedaiError, type Hex } from '../../core/index.ts';
import type { Sender } from '../../market/index.ts';
import { openMarket, transport } from '../node/node.ts';
import { createStore } from '../node/store.ts';
import { createWalletSender } from '../wallet/sender.ts';
import { startWallet, wallet } from '../wallet/wallet.ts';
import { type JobKeys, keptKeys } from './kept.ts';

export interface Served {
  readonly state: 'serving' | 'stopped' | 'settled';
  /** What the wallet was last asked to sign. */
  readonly asked: string | undefined;
  readonly error: unknown;
}

/** By job number. */
export const served = createStore<{ jobs: Readonly<Record<string, Served>> }>({ jobs: {} });

const POLL_MS = 2_000;
/** Workers and evaluators move a job on themselves; the wallet is asked only when they do not. */
const PATIENCE_BLOCKS = 30;
const KEPT = 'serving';

interface Later {
  id: string;
  commitment: string;
  account: Hex;
}

function keptList(): Later[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(list) ? (list as Later[]) : [];
  } catch {
    return [];
  }
}

const keepList = (list: readonly Later[]): void =>
  list.length === 0 ? localStorage.removeItem(KEPT) : localStorage.setItem(KEPT, JSON.stringify(list));

const tell = (id: string, change: Partial<Served>): void => {
  const { jobs } = served.get();
  const before = jobs[id] ?? { state: 'serving', asked: undefined, error: undefined };
  served.set({ jobs: { ...jobs, [id]: { ...before, ...change } } });
};

/** From now on, and after a reload too. */
export function serveLater(jobId: bigint, commitment: string, account: Hex): void {
  const id = jobId.toString();
  keepList([...keptList().filter((one) => one.id !== id), { id, commitment, account }]);
  void takeUp({ id, commitment, account });
}

/** Goes on with every job that this browser has posted and that is not settled. */
export function resumeServing(): void {
  startWallet();
  for (const one of keptList()) void takeUp(one);
}

async function takeUp(one: Later): Promise<void> {
  const keys = await keptKeys(one.commitment).catch(() => undefined);
  const job = await openMarket()
    .then((market) => market.job(BigInt(one.id)))
    .catch(() => undefined);
  // Under this address there may be another chain than yesterday.
  const isSame = job?.post.testKeyCommitment === one.commitment;
  if (keys !== undefined && isSame) await serve(BigInt(one.id), keys, one.account);
}

/** A key alone is no reason to ask: the account that posted has to be connected. */
async function connected(account: Hex): Promise<void> {
  const isThere = (): boolean => wallet.get().account === account.toLowerCase();
  if (isThere()) return;
  await new Promise<void>((resolve) => {
    const stop = wallet.watch(() => {
      if (!isThere()) return;
      stop();
      resolve();
    });
  });
}

const running = new Set<string>();

/** Does the client's part until the job is settled or its owner declines. Never throws. */
export async function serve(jobId: bigint, keys: JobKeys, account: Hex): Promise<void> {
  const id = jobId.toString();
  if (running.has(id)) return;
  running.add(id);
  tell(id, { state: 'serving', error: undefined, asked: undefined });
  const halt = new AbortController();
  try {
    await connected(account);
    const { bindMarket } = await import('../node/market.ts');
    const { createClientAgent } = await import('./agent.ts');
    const sender = stopping(
      createWalletSender({
        transport,
        account,
        signal: halt.signal,
        onAsked: (asked) => tell(id, { asked }),
        onSent: () => tell(id, { asked: undefined }),
      }),
      halt,
    );
    const { contracts } = await openMarket();
    const market = bindMarket({ rpc: transport, contracts, signal: halt.signal }, sender);
    const { testKey, dataKey } = keys;
    const agent = createClientAgent({
      market,
      testKey,
      ...(dataKey && { dataKey }),
      pollMs: POLL_MS,
      patienceBlocks: PATIENCE_BLOCKS,
    });
    await agent.serve(jobId, halt.signal);
    keepList(keptList().filter((one) => one.id !== id));
    tell(id, { state: 'settled', asked: undefined });
  } catch (error) {
    tell(id, { state: 'stopped', asked: undefined, error });
  } finally {
    running.delete(id);
  }
}

/** What will not pass by itself ends the serving, so that a wallet is not asked again and again. */
function stopping(sender: Sender, halt: AbortController): Sender {
  return {
    address: sender.address,
    async send(request) {
      try {
        return await sender.send(request);
      } catch (error) {
        const isPassing = error instanceof FedaiError && (error.transient || error.code === 'REVERTED');
        if (!isPassing) halt.abort(error);
        throw error;
      }
    },
  };
}
