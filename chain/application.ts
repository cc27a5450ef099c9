/**
 * The state machine that consensus orders blocks for: execution, store and pool behind one head.
 * Owns the order of their steps; votes, proposers and peers are not its business.
 */
import type { BlockHeader } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { equalBytes, FedaiError, fromHex, type Hex, toHex } from '../core/index.ts';
import { type BlockCommit, sectionHash, type ValidatorSet } from '../light/index.ts';
import { headerFault } from './blockChecks.ts';
import {
  type BlockEnvironment,
  createExecution,
  type ExecutedBlock,
  type Execution,
  type Receipt,
  readState,
  StateDb,
  type StateReader,
} from './execution/index.ts';
import { type ChainSpec, createGenesis } from './spec/index.ts';
import { type ChainStore, openStore } from './store/index.ts';
import { createTxPool, type PoolLimits, type TxPool } from './txpool/index.ts';
import type { Application, Block, BlockCheck, BuildInput, Head } from './types.ts';

export interface CommittedBlock {
  readonly block: Block;
  readonly hash: Uint8Array;
  readonly receipts: readonly Receipt[];
  readonly commit: BlockCommit;
}

/** The application, and what RPC and network read of it. */
export interface ChainApplication extends Application {
  readonly spec: ChainSpec;
  readonly common: Common;
  readonly store: ChainStore;
  readonly execution: Execution;
  readonly pool: TxPool;
  readonly headHeader: BlockHeader;
  /** State at a root that some stored header names. */
  stateAt(root: Uint8Array): StateReader;
  /** Called after a block is on disk; returns the way to stop. */
  onCommit(listener: (committed: CommittedBlock) => void): () => void;
  close(): Promise<void>;
}

export interface ApplicationOptions {
  readonly spec: ChainSpec;
  /** Of the database; made if missing. */
  readonly directory: string;
  readonly poolLimits?: Partial<PoolLimits>;
  /** Hears of trouble of the machine under the database; going on would be unsafe. */
  readonly onFault?: (fault: FedaiError) => void;
}

/** Blocks checked but not decided that are kept executed: a few rounds of one height. */
const MAX_CANDIDATES = 8;
/** Offered gas limits a block is filled from, as a multiple of its own: senders ask for more than they use. */
const SELECTION_FACTOR = 2n;

export async function createApplication(options: ApplicationOptions): Promise<ChainApplication> {
  const genesis = await createGenesis(options.spec);
  const store = await openStore({
    directory: options.directory,
    common: genesis.common,
    genesis: {
      block: genesis.block,
      hash: genesis.hash,
      transactionHashes: [],
      receipts: [],
      commit: null,
      writes: genesis.writes,
    },
    ...(options.onFault && { onFault: options.onFault }),
  });
  return new NodeApplication(options, store, genesis.common, genesis.validators);
}

class NodeApplication implements ChainApplication {
  readonly spec: ChainSpec;
  readonly common: Common;
  readonly store: ChainStore;
  readonly execution: Execution;
  readonly pool: TxPool;
  readonly #state: StateDb;
  readonly #validators: ValidatorSet;
  readonly #candidates = new Map<string, ExecutedBlock>();
  readonly #listeners = new Set<(committed: CommittedBlock) => void>();
  #headHeader: BlockHeader;
  #committing = false;

  constructor(options: ApplicationOptions, store: ChainStore, common: Common, validators: ValidatorSet) {
    this.spec = options.spec;
    this.common = common;
    this.store = store;
    this.#validators = validators;
    this.#state = new StateDb(store.state);
    this.#headHeader = store.block(store.height)!.header;
    this.execution = createExecution({
      common,
      state: this.#state,
      system: {
        beaconHistory: options.spec.contracts.beaconHistory,
        usefulWork: options.spec.contracts.usefulWork ?? null,
        court: options.spec.contracts.trainingCourt ?? null,
      },
      blockHashes: (height) => store.block(height)!.header.hash(),
    });
    this.pool = createTxPool({
      common,
      blockGasLimit: BigInt(options.spec.gasLimit),
      senderState: (sender) => this.#senderState(sender),
      ...(options.poolLimits === undefined ? {} : { limits: options.poolLimits }),
    });
  }

  get headHeader(): BlockHeader {
    return this.#headHeader;
  }

  get head(): Head {
    const header = this.#headHeader;
    return {
      height: Number(header.number),
      hash: header.hash(),
      mixHash: header.mixHash,
      timestamp: Number(header.timestamp),
    };
  }

  async buildBlock(input: BuildInput): Promise<Block> {
    const parent = this.#headHeader;
    if (BigInt(input.height) !== parent.number + 1n) {
      throw new FedaiError('INVARIANT', 'a block is built on the head', {
        got: input.height,
        expected: parent.number + 1n,
      });
    }
    const now = Math.floor(input.nowMs / 1000);
    const environment = this.#environment(parent, {
      coinbase: input.proposer,
      timestamp: Math.max(Number(parent.timestamp) + 1, now),
      mixHash: input.beacon,
      extraData: sectionHash(input.section),
      work: input.section.work,
      verdict: input.section.verdict,
    });
    const offered = this.pool.select(environment.baseFeePerGas, environment.gasLimit * SELECTION_FACTOR);
    const executed = await this.execution.build(environment, parent.stateRoot, offered);
    this.#remember(executed);
    return {
      header: executed.header,
      transactions: executed.transactions.map((tx) => tx.serialize()),
      section: input.section,
      parentCommit: input.parentCommit,
    };
  }

  /** Asks no clock: a lock or a decision must find the block valid on every node, at any time. */
  async checkBlock(block: Block): Promise<BlockCheck> {
    const fault = headerFault(block, { parent: this.#headHeader, gasLimit: BigInt(this.spec.gasLimit) });
    if (fault !== undefined) return { valid: false, reason: fault };
    try {
      await this.#execute(block);
      return { valid: true };
    } catch (error) {
      if (error instanceof FedaiError && error.code === 'INVALID_BLOCK') {
        return { valid: false, reason: error.message };
      }
      throw error;
    }
  }

  async commitBlock(block: Block, commit: BlockCommit): Promise<void> {
    if (this.#committing) throw new FedaiError('INVARIANT', 'blocks are committed one at a time');
    this.#committing = true;
    try {
      await this.#commit(block, commit);
    } finally {
      this.#committing = false;
    }
  }

  async #commit(block: Block, commit: BlockCommit): Promise<void> {
    const check = await this.checkBlock(block);
    const hash = block.header.hash();
    const reason = check.valid
      ? equalBytes(commit.blockHash, hash)
        ? undefined
        : 'the commit is for another block'
      : check.reason;
    if (reason !== undefined) {
      throw new FedaiError('INVALID_BLOCK', reason, { height: block.header.number, hash: toHex(hash) });
    }
    const executed = this.#candidates.get(toHex(hash))!;
    const { transactions, receipts, writes } = executed;
    const transactionHashes = transactions.map((tx) => tx.hash());
    await this.store.append({ block, hash, transactionHashes, receipts, commit, writes });
    this.execution.committed(writes);
    this.#candidates.clear();
    this.#headHeader = block.header;
    this.pool.advance(new Set(receipts.map((receipt) => toHex(receipt.from))));
    for (const listener of this.#listeners) listener({ block, hash, receipts, commit });
  }

  async validatorsAt(_height: number): Promise<ValidatorSet> {
    return this.#validators;
  }

  stateAt(root: Uint8Array): StateReader {
    return readState(this.#state, root);
  }

  onCommit(listener: (committed: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  /** Throws `INVALID_BLOCK` unless the outcome is what the header says. */
  async #execute(block: Block): Promise<void> {
    const { header } = block;
    const claimed = toHex(header.hash());
    if (this.#candidates.has(claimed)) return;
    const environment = this.#environment(this.#headHeader, {
      coinbase: toHex(header.coinbase.bytes),
      timestamp: Number(header.timestamp),
      mixHash: header.mixHash,
      extraData: header.extraData,
      work: block.section.work,
      verdict: block.section.verdict,
    });
    const executed = await this.execution.replay(environment, this.#headHeader.stateRoot, block.transactions);
    if (toHex(executed.header.hash()) !== claimed) {
      throw new FedaiError('INVALID_BLOCK', outcomeFault(header, executed.header));
    }
    this.#remember(executed);
  }

  #remember(executed: ExecutedBlock): void {
    if (this.#candidates.size >= MAX_CANDIDATES) {
      this.#candidates.delete(this.#candidates.keys().next().value!);
    }
    this.#candidates.set(toHex(executed.header.hash()), executed);
  }

  #environment(
    parent: BlockHeader,
    own: Pick<BlockEnvironment, 'coinbase' | 'timestamp' | 'mixHash' | 'extraData' | 'work' | 'verdict'>,
  ): BlockEnvironment {
    return {
      ...own,
      number: Number(parent.number) + 1,
      parentHash: parent.hash(),
      gasLimit: BigInt(this.spec.gasLimit),
      baseFeePerGas: parent.calcNextBaseFee(),
    };
  }

  #senderState(sender: Hex) {
    const reader = this.stateAt(this.#headHeader.stateRoot);
    const address = fromHex(sender, 20);
    const account = reader.account(address);
    const code = account.isContract() ? reader.code(address) : undefined;
    const isDelegation = code !== undefined && code[0] === 0xef && code[1] === 1 && code[2] === 0;
    return {
      nonce: account.nonce,
      balance: account.balance,
      isContract: code !== undefined && !isDelegation,
    };
  }
}

const OUTCOMES = ['stateRoot', 'transactionsTrie', 'receiptTrie', 'logsBloom'] as const;

/** Which of the fields that execution determines is wrong. */
function outcomeFault(got: BlockHeader, expected: BlockHeader): string {
  if (got.gasUsed !== expected.gasUsed) return `gasUsed is ${got.gasUsed}, not ${expected.gasUsed}`;
  const wrong = OUTCOMES.find((field) => !equalBytes(got[field], expected[field]));
  return `${wrong ?? 'header'} is not the outcome of execution`;
}
