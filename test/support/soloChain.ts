/**
 * A chain of one validator in this process: the production application, store, pool and RPC, with blocks decided
 * by a single real BLS key instead of consensus. Blocks come on demand, for every transaction, or at an interval.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { computeAddress } from 'ethers';
import {
  type Block,
  type ChainApplication,
  type ChainSpec,
  type ContentIntake,
  type CreateChainSpecInput,
  createApplication,
  createChainSpec,
  createRpcServer,
} from '../../chain/index.ts';
import { blsPublicKey, blsSign, proofOfPossession } from '../../core/bls/index.ts';
import { concatBytes, type Hex, sha256, silentLog, toHex, utf8 } from '../../core/index.ts';
import {
  type BlockCommit,
  type Carried,
  commitHash,
  EMPTY_HASH,
  encodeBitmap,
  nextBeacon,
  randaoSignBytes,
  validatorSetHash,
  voteSignBytes,
} from '../../light/index.ts';

export interface TestAccount {
  readonly privateKey: Hex;
  /** Lower-case hex. */
  readonly address: Hex;
}

export interface SoloChainOptions {
  /** Funded accounts; 10 by default. */
  readonly accounts?: number;
  /** Wei for each; a million coins by default. */
  readonly balance?: bigint;
  /** 'instant': a block for every transaction that arrives; a number: milliseconds between blocks; 'manual': `mine()` only. */
  readonly mining?: 'instant' | 'manual' | number;
  readonly spec?: Partial<CreateChainSpecInput>;
  /** Re-opens a directory that an earlier chain with the same spec left. */
  readonly directory?: string;
  /** What the next block carries; nothing when absent. */
  readonly carry?: () => Promise<Carried>;
  /** Content blocks that `/ipfs/<cid>` serves. */
  readonly content?: (cid: string) => Promise<Uint8Array | undefined>;
  /** What `PUT /ipfs/<cid>` leaves is kept here. */
  readonly intake?: ContentIntake;
}

export interface SoloChain {
  readonly application: ChainApplication;
  readonly spec: ChainSpec;
  readonly accounts: readonly TestAccount[];
  readonly directory: string;
  /** JSON-RPC over HTTP. */
  readonly rpcUrl: string;
  /** Makes and commits blocks; resolves with the new height. */
  mine(blocks?: number): Promise<number>;
  stop(): Promise<void>;
}

/** Stake of the one validator: above the least that Staking takes. */
const VALIDATOR_STAKE = 10_000n * 10n ** 18n;
const DEFAULT_BALANCE = 1_000_000n * 10n ** 18n;
/** BLS key of the one validator. */
export const soloSecret = sha256(utf8('solo validator')).map((byte, index) => (index === 0 ? 0 : byte));

export function testAccount(index: number): TestAccount {
  const privateKey = toHex(sha256(concatBytes(utf8('solo account '), Uint8Array.of(index))));
  return { privateKey, address: computeAddress(privateKey).toLowerCase() as Hex };
}

/** The spec that `startSoloChain` uses; account 0 is its validator too. */
export async function soloSpec(options: SoloChainOptions = {}): Promise<ChainSpec> {
  const accounts = Array.from({ length: options.accounts ?? 10 }, (_, index) => testAccount(index));
  const balance = options.balance ?? DEFAULT_BALANCE;
  return await createChainSpec({
    name: 'solo',
    chainId: 31_337,
    genesisTimeMs: 1_750_000_000_000,
    balances: Object.fromEntries(accounts.map((account) => [account.address, balance])),
    ...options.spec,
    validators: options.spec?.validators ?? [
      {
        address: accounts[0]!.address,
        blsPublicKey: blsPublicKey(soloSecret),
        proofOfPossession: proofOfPossession(soloSecret, accounts[0]!.address),
        stake: VALIDATOR_STAKE,
      },
    ],
  });
}

export async function startSoloChain(options: SoloChainOptions = {}): Promise<SoloChain> {
  const spec = await soloSpec(options);
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'fedai-solo-')));
  const application = await createApplication({ spec, directory });
  const accounts = Array.from({ length: options.accounts ?? 10 }, (_, index) => testAccount(index));
  const miner = createMiner(application, options.carry);
  const rpc = createRpcServer({
    application,
    log: silentLog,
    port: 0,
    ...(options.content === undefined ? {} : { content: options.content }),
    ...(options.intake === undefined ? {} : { intake: options.intake }),
  });
  await rpc.start();
  const stopMining = schedule(application, miner, options.mining ?? 'instant');
  return {
    application,
    spec,
    accounts,
    directory,
    rpcUrl: rpc.url,
    mine: miner,
    async stop() {
      await rpc.stop();
      await stopMining();
      await application.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

type Miner = (blocks?: number) => Promise<number>;

/** Blocks one after the other, however many callers there are. */
function createMiner(application: ChainApplication, carry: SoloChainOptions['carry']): Miner {
  let queue: Promise<unknown> = Promise.resolve();
  return (blocks = 1) => {
    const next = queue.then(async () => {
      for (let made = 0; made < blocks; made++) await decideOne(application, await carry?.());
      return application.head.height;
    });
    queue = next.catch(() => {});
    return next;
  };
}

function schedule(
  application: ChainApplication,
  mine: Miner,
  mining: NonNullable<SoloChainOptions['mining']>,
): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const trigger = () => {
    last = mine();
    last.catch(() => {});
  };
  if (mining === 'manual') return async () => {};
  if (mining === 'instant') {
    // The sender first gets its hash, as from a network.
    const stop = application.pool.onAdded(() => setImmediate(trigger));
    return async () => {
      stop();
      await new Promise((resolve) => setImmediate(resolve));
      await mine(0);
    };
  }
  const timer = setInterval(trigger, mining);
  return async () => {
    clearInterval(timer);
    await mine(0);
  };
}

/** Builds the next block as proposer of round 0, checks it as a peer would, and commits it with one vote. */
export async function decideOne(
  application: ChainApplication,
  carried: Carried = { work: null, verdict: null },
): Promise<{ block: Block; commit: BlockCommit }> {
  const height = application.head.height + 1;
  const set = await application.validatorsAt(height);
  const chainId = BigInt(application.spec.chainId);
  const parentCommit = application.store.commit(height - 1) ?? null;
  const randaoReveal = blsSign(randaoSignBytes(chainId, height), soloSecret);
  const block = await application.buildBlock({
    height,
    round: 0,
    proposer: set[0]!.address,
    beacon: nextBeacon(application.head.mixHash, randaoReveal),
    section: {
      version: 1,
      round: 0,
      parentCommitHash: parentCommit === null ? EMPTY_HASH : commitHash(parentCommit),
      validatorsHash: validatorSetHash(set),
      nextValidatorsHash: validatorSetHash(await application.validatorsAt(height + 1)),
      randaoReveal,
      ...carried,
    },
    parentCommit,
    nowMs: Date.now(),
  });
  const blockHash = block.header.hash();
  const message = voteSignBytes({ chainId, type: 'precommit', height, round: 0, blockHash });
  const commit: BlockCommit = {
    height,
    round: 0,
    blockHash,
    bitmap: encodeBitmap([0], set.length),
    signature: blsSign(message, soloSecret),
  };
  await application.commitBlock(block, commit);
  return { block, commit };
}
