/** A posting from the data to the chain, step by step; what was done survives a reload, and any step can be tried again. */
import { FedaiError, type Hex, sha256, toHex } from '../../core/index.ts';
import type { Market } from '../../market/index.ts';
import { chainStatus, transport } from '../node/node.ts';
import { createStore } from '../node/store.ts';
import { openWalletMarket } from '../wallet/market.ts';
import { waitMined } from '../wallet/sender.ts';
import { readyWallet } from '../wallet/wallet.ts';
import { prepareJob } from './client.ts';
import { dropPosting, type KeptPosting, keepKeys, keepPosting, keptPosting } from './kept.ts';
import type { Wanted } from './messages.ts';
import { serveLater } from './serve.ts';
import { upload } from './upload.ts';

export const STAGES = ['prepare', 'upload', 'sign', 'mine', 'posted'] as const;
export type Stage = (typeof STAGES)[number];

export interface PostingState {
  /** Undefined while there is none. */
  stage: Stage | undefined;
  isRunning: boolean;
  /** Of the stage, from 0 to 1. */
  share: number;
  error: unknown;
  name: string;
  reward: bigint;
  hash: string | undefined;
  jobId: bigint | undefined;
  bytes: number;
}

const IDLE: PostingState = {
  stage: undefined,
  isRunning: false,
  share: 0,
  error: undefined,
  name: '',
  reward: 0n,
  hash: undefined,
  jobId: undefined,
  bytes: 0,
};

export const posting = createStore<PostingState>(IDLE);

const TOKEN = 'content-token';
export const contentToken = (): string => sessionStorage.getItem(TOKEN) ?? '';
export const setContentToken = (token: string): void => sessionStorage.setItem(TOKEN, token.trim());

let current: KeptPosting | undefined;

async function attempt(steps: () => Promise<void>): Promise<void> {
  posting.set({ isRunning: true, error: undefined });
  try {
    await steps();
  } catch (error) {
    posting.set({ error });
  } finally {
    posting.set({ isRunning: false });
  }
}

/** `fullAudit`: every segment is executed again by auditors. */
export const startPosting = (wanted: Wanted, fullAudit: boolean): Promise<void> =>
  attempt(async () => {
    posting.set({ ...IDLE, stage: 'prepare', isRunning: true });
    const prepared = await prepareJob(wanted, (share) => posting.set({ share }));
    const { chainId } = await chainStatus();
    current = { ...prepared, chainId, fullAudit, uploaded: [], hash: undefined, account: undefined };
    // Keys are on disk before anything leaves the page: no set is ever sealed to a key that is gone.
    const { train, test } = prepared.document.data;
    await keepKeys(toHex(sha256(prepared.testKey)), {
      testKey: prepared.testKey,
      dataKey: prepared.dataKey,
      testManifest: test.manifest,
      trainManifest: train.manifest,
    });
    await keepPosting(current);
    await goOn(current);
  });

/** Takes up a posting that a reload has interrupted; says whether there is one. */
export async function resumePosting(): Promise<boolean> {
  if (current !== undefined || posting.get().stage !== undefined) return true;
  const kept = await keptPosting().catch(() => undefined);
  if (kept === undefined) return false;
  if (kept.chainId !== (await chainStatus()).chainId) return false;
  current = kept;
  show(kept);
  return true;
}

export const continuePosting = (): Promise<void> =>
  attempt(async () => {
    if (current !== undefined) await goOn(current);
  });

export async function forgetPosting(): Promise<void> {
  current = undefined;
  await dropPosting();
  posting.set(IDLE);
}

const sizeOf = ({ blocks }: KeptPosting): number => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);

function show(kept: KeptPosting): void {
  const isUploaded = kept.uploaded.length === kept.blocks.length;
  posting.set({
    stage: kept.hash !== undefined ? 'mine' : isUploaded ? 'sign' : 'upload',
    share: kept.blocks.length === 0 ? 1 : kept.uploaded.length / kept.blocks.length,
    name: kept.document.name,
    reward: BigInt(kept.document.reward),
    hash: kept.hash,
    bytes: sizeOf(kept),
  });
}

async function goOn(kept: KeptPosting): Promise<void> {
  show(kept);
  await uploadRest(kept);
  const { account } = kept.hash === undefined ? await readyWallet() : { account: kept.account as Hex };
  const jobId = kept.hash === undefined ? await sign(kept, account) : await settled(kept, account);
  posting.set({ stage: 'posted', share: 1, jobId });
  serveLater(jobId, toHex(sha256(kept.testKey)), account);
  current = undefined;
  await dropPosting();
}

async function uploadRest(kept: KeptPosting): Promise<void> {
  const there = new Set(kept.uploaded);
  const missing = kept.blocks.filter(({ cid }) => !there.has(cid));
  // The document goes last, when all that it names is there.
  const rounds = [missing.filter(({ cid }) => cid !== kept.documentCid), missing.slice(-1)];
  for (const blocks of missing.length === 0 ? [] : rounds)
    await upload(blocks, {
      token: contentToken(),
      onStored(cid) {
        if (there.has(cid)) return undefined;
        there.add(cid);
        kept.uploaded.push(cid);
        posting.set({ share: kept.uploaded.length / kept.blocks.length });
        return keepPosting(kept);
      },
    });
}

async function sign(kept: KeptPosting, account: Hex): Promise<bigint> {
  posting.set({ stage: 'sign', share: 0 });
  const market = await openWalletMarket(account, {
    onSent(hash) {
      Object.assign(kept, { hash, account });
      posting.set({ stage: 'mine', hash });
      void keepPosting(kept);
    },
  });
  const before = await unsettled(market, account, kept);
  if (before !== undefined) return before;
  await checkFunds(market, account, BigInt(kept.document.reward));
  const { createClientAgent } = await import('./agent.ts');
  const agent = createClientAgent({ market, testKey: kept.testKey });
  const { document, documentCid, testRoot, provable, fullAudit } = kept;
  try {
    return await agent.post({ document, documentCid, testRoot: testRoot as Hex, provable, fullAudit });
  } catch (error) {
    // What was mined and failed is to be signed anew.
    if (error instanceof FedaiError && error.code === 'REVERTED')
      Object.assign(kept, { hash: undefined, account: undefined });
    throw error;
  }
}

/** The number of a job whose transaction was on its way when the page was left. */
async function settled(kept: KeptPosting, account: Hex): Promise<bigint> {
  posting.set({ stage: 'mine' });
  const market = await openWalletMarket(account);
  await waitMined(transport, kept.hash as Hex, 'postJob').catch((error: unknown) => {
    Object.assign(kept, { hash: undefined, account: undefined });
    throw error;
  });
  const found = await unsettled(market, account, kept);
  if (found === undefined)
    throw new FedaiError(
      'NOT_FOUND',
      'the job is settled already',
      {},
      { remedy: 'Look for it among the jobs.' },
    );
  return found;
}

async function unsettled(market: Market, account: Hex, kept: KeptPosting): Promise<bigint | undefined> {
  const { unsettledJobOf } = await import('./agent.ts');
  return (await unsettledJobOf(market, account, kept.documentHash as Hex))?.id;
}

async function checkFunds(market: Market, account: Hex, reward: bigint): Promise<void> {
  const balance = await market.balanceOf(account);
  if (balance > reward) return;
  const { exactTrain } = await import('../ui/format.ts');
  throw new FedaiError(
    'INSUFFICIENT_FUNDS',
    `the account holds ${exactTrain(balance)}, the reward is ${exactTrain(reward)}`,
    { account },
    { remedy: `Send TRAIN to ${account}, or start again with a smaller reward.` },
  );
}
