/** Blocks, commits, votes and transactions in their valid forms, for the samples of the chain. */
import { type BlockHeader, createBlockHeader } from '@ethereumjs/block';
import { Transaction, Wallet } from 'ethers';
import type { SignedProposal, SignedVote } from '../../../chain/consensus/messages.ts';
import { createChainCommon, listRoot } from '../../../chain/execution/index.ts';
import type { Block } from '../../../chain/types.ts';
import { fromHex, type Hex } from '../../../core/index.ts';
import {
  type BlockCommit,
  type ConsensusSection,
  commitHash,
  EMPTY_HASH,
  encodeBitmap,
  encodeCommit,
  encodeSection,
  sectionHash,
} from '../../../light/index.ts';

export const CHAIN_ID = 31_338;
export const common = createChainCommon(CHAIN_ID);
const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);

export const commit: BlockCommit = {
  height: 7,
  round: 2,
  blockHash: filled(9, 32),
  bitmap: encodeBitmap([0, 2, 3], 4),
  signature: filled(5, 96),
};

export const section: ConsensusSection = {
  version: 1,
  round: 0,
  parentCommitHash: commitHash(commit),
  validatorsHash: filled(2, 32),
  nextValidatorsHash: filled(3, 32),
  randaoReveal: filled(4, 96),
  work: null,
  verdict: null,
};
export const firstSection: ConsensusSection = {
  ...section,
  round: 4,
  parentCommitHash: EMPTY_HASH,
  randaoReveal: new Uint8Array(0),
};

const carried = {
  ...{ jobId: 3n, worker: filled(7, 20), traceRoot: filled(8, 32), segment: 2 },
  bundle: filled(6, 36),
};
export const workSection: ConsensusSection = {
  ...section,
  work: {
    ...carried,
    ...{ drawHeight: 40, rank: 1, modelHash: filled(9, 32), totalWeight: 10n ** 18n, opener: filled(7, 20) },
  },
};
export const judgingSection: ConsensusSection = {
  ...section,
  verdict: { ...carried, caseId: 5, guilty: true, digest: filled(9, 32) },
};

const wallet = new Wallet(`0x${'17'.repeat(32)}`);
const other = new Wallet(`0x${'18'.repeat(32)}`);
const to = `0x${'aa'.repeat(20)}`;

async function signed(fields: Record<string, unknown>): Promise<Uint8Array> {
  const call = {
    chainId: CHAIN_ID,
    nonce: 3,
    gasLimit: 90_000,
    value: 10n ** 18n,
    data: '0x0102',
    to,
    ...fields,
  };
  return fromHex((await wallet.signTransaction(call)) as Hex);
}

const accessList = [{ address: to, storageKeys: [`0x${'01'.repeat(32)}`] }];
const authorization = other.authorizeSync({ address: to, nonce: 1, chainId: CHAIN_ID });
const fees = { maxFeePerGas: 3n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n };
/** One of each type that the chain takes: legacy, access list, fee market, set code. */
export const transactions: readonly Uint8Array[] = [
  await signed({ type: 0, gasPrice: 10n ** 9n }),
  await signed({ type: 1, gasPrice: 10n ** 9n, accessList }),
  await signed({ type: 2, ...fees, accessList }),
  await signed({ type: 2, ...fees, to: null, data: `0x${'60'.repeat(100)}` }),
  await signed({ type: 4, ...fees, authorizationList: [authorization] }),
];
export const unsigned: Uint8Array = fromHex(
  Transaction.from({ type: 2, chainId: CHAIN_ID, nonce: 0, to, ...fees }).unsignedSerialized as Hex,
);

export function headerOf(fields: Record<string, unknown> = {}): BlockHeader {
  return createBlockHeader(
    {
      number: 8n,
      parentHash: filled(9, 32),
      coinbase: to as Hex,
      timestamp: 1_700_000_000n,
      gasLimit: 30_000_000n,
      gasUsed: 21_000n,
      baseFeePerGas: 10n ** 9n,
      mixHash: filled(6, 32),
      stateRoot: filled(7, 32),
      extraData: sectionHash(section),
      transactionsTrie: listRoot(transactions),
      ...fields,
    },
    { common },
  );
}

export const block: Block = { header: headerOf(), transactions, section, parentCommit: commit };
export const firstBlock: Block = {
  header: headerOf({ number: 1n, extraData: sectionHash(firstSection), transactionsTrie: listRoot([]) }),
  transactions: [],
  section: firstSection,
  parentCommit: null,
};

export const vote: SignedVote = {
  ...{ kind: 'vote', type: 'precommit', height: 8, round: 1, blockHash: filled(9, 32) },
  ...{ validator: 3, signature: filled(5, 96), attempt: 0 },
};
export const nilVote: SignedVote = { ...vote, type: 'prevote', blockHash: null, attempt: 1_700_000_000_000 };
export const proposal: SignedProposal = {
  ...{ kind: 'proposal', height: 8, round: 1, validRound: -1, header: block.header.serialize() },
  ...{
    section: encodeSection(section),
    parentCommit: encodeCommit(commit),
    signature: filled(5, 96),
    attempt: 0,
  },
};
