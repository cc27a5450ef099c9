/** The simplest application that consensus can order blocks for: empty blocks with real headers, kept in an array. */
import { type BlockHeader, createBlockHeader } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { decodeBlock, encodeBlock } from '../../../chain/block.ts';
import type { BlockCodec, ConsensusHistory } from '../../../chain/consensus/types.ts';
import type { ChainStore } from '../../../chain/store/index.ts';
import type { Application, Block, BuildInput, Head } from '../../../chain/types.ts';
import { FedaiError, fromHex, keccak256, utf8 } from '../../../core/index.ts';
import { type BlockCommit, EMPTY_HASH, sectionHash, type ValidatorSet } from '../../../light/index.ts';
import { type Life, operate } from './disk.ts';

export const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
export const GENESIS_SECONDS = 1_700_000_000;
export const GAS_LIMIT = 30_000_000n;

export const codec: BlockCodec = { encode: encodeBlock, decode: (bytes) => decodeBlock(bytes, common) };

export interface DecidedBlock {
  block: Block;
  commit: BlockCommit;
}

const genesis: Block = {
  header: createBlockHeader(
    {
      number: 0,
      gasLimit: GAS_LIMIT,
      timestamp: GENESIS_SECONDS,
      mixHash: keccak256(utf8('beacon')),
      baseFeePerGas: 7n,
      parentBeaconBlockRoot: EMPTY_HASH,
      requestsHash: EMPTY_HASH,
    },
    { common },
  ),
  transactions: [],
  section: {
    version: 1,
    round: 0,
    parentCommitHash: EMPTY_HASH,
    validatorsHash: EMPTY_HASH,
    nextValidatorsHash: EMPTY_HASH,
    randaoReveal: new Uint8Array(0),
    work: null,
    verdict: null,
  },
  parentCommit: null,
};
export const genesisHash = genesis.header.hash();
const genesisHead: Head = {
  height: 0,
  hash: genesisHash,
  mixHash: genesis.header.mixHash,
  timestamp: GENESIS_SECONDS,
};

export function makeHeader(input: BuildInput, parent: Head): BlockHeader {
  return createBlockHeader(
    {
      parentHash: parent.hash,
      number: input.height,
      coinbase: fromHex(input.proposer),
      gasLimit: GAS_LIMIT,
      timestamp: Math.max(parent.timestamp + 1, Math.floor(input.nowMs / 1000)),
      extraData: sectionHash(input.section),
      mixHash: input.beacon,
      baseFeePerGas: 7n,
      parentBeaconBlockRoot: EMPTY_HASH,
      requestsHash: EMPTY_HASH,
    },
    { common },
  );
}

export interface LedgerHooks {
  onBuild(block: Block): void;
  onCommit(decided: DecidedBlock): void;
}

/** Blocks are encoded for each peer that asks. */
const encoded = new WeakMap<Block, Uint8Array>();

export function encodedOf(block: Block): Uint8Array {
  const known = encoded.get(block) ?? encodeBlock(block);
  encoded.set(block, known);
  return known;
}

export interface Ledger {
  readonly blocks: readonly DecidedBlock[];
  readonly head: Head;
  readonly store: Pick<ChainStore, 'height' | 'block' | 'encodedBlock' | 'commit'>;
  application(life: Life, hooks: LedgerHooks): Application;
  history: ConsensusHistory;
}

/** Outlives crashes: a commit is one synced write. */
export function createLedger(set: ValidatorSet): Ledger {
  const blocks: DecidedBlock[] = [];
  const head = (): Head => {
    const last = blocks.at(-1)?.block.header;
    if (last === undefined) return genesisHead;
    const { mixHash, timestamp } = last;
    return { height: blocks.length, hash: last.hash(), mixHash, timestamp: Number(timestamp) };
  };
  return {
    blocks,
    get head() {
      return head();
    },
    store: {
      get height() {
        return blocks.length;
      },
      block: (height) => (height === 0 ? genesis : blocks[height - 1]?.block),
      encodedBlock: (height) => blocks[height - 1] && encodedOf(blocks[height - 1]!.block),
      commit: (height) => blocks[height - 1]?.commit,
    },
    history: {
      beaconAt: async (height) =>
        height === 0 ? genesisHead.mixHash : blocks[height - 1]!.block.header.mixHash,
      commitAt: async (height) => blocks[height - 1]?.commit ?? null,
    },
    application: (life, hooks) => ({
      get head() {
        return head();
      },
      buildBlock: async (input) => {
        const { section, parentCommit } = input;
        const block: Block = { header: makeHeader(input, head()), transactions: [], section, parentCommit };
        hooks.onBuild(block);
        return block;
      },
      checkBlock: async (block) =>
        block.header.gasLimit === GAS_LIMIT ? { valid: true } : { valid: false, reason: 'gas limit' },
      commitBlock: async (block, commit) => {
        if (Number(block.header.number) !== blocks.length + 1)
          throw new FedaiError('INVALID_BLOCK', 'not the next block', { got: block.header.number });
        operate(life, () => {
          blocks.push({ block, commit });
          hooks.onCommit({ block, commit });
        });
      },
      validatorsAt: async () => set,
    }),
  };
}
