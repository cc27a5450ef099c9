/** What execution demands of a header beyond its own outcome. Proposers, beacons and commits are consensus's to check. */
import type { BlockHeader } from '@ethereumjs/block';
import { KECCAK256_RLP, SHA256_NULL } from '@ethereumjs/util';
import { equalBytes } from '../core/index.ts';
import { commitHash, EMPTY_HASH, sectionHash } from '../light/index.ts';
import { listRoot } from './execution/index.ts';
import type { Block } from './types.ts';

const ZERO_32 = new Uint8Array(32);

interface Surroundings {
  readonly parent: BlockHeader;
  readonly gasLimit: bigint;
}

type Rule = (block: Block, around: Surroundings) => string | undefined;

const onParent: Rule = ({ header }, { parent }) => {
  if (header.number !== parent.number + 1n) return `height is ${header.number}, not ${parent.number + 1n}`;
  return equalBytes(header.parentHash, parent.hash()) ? undefined : 'parent is not the head';
};

/** Blocks from the future are held back where proposals come in, by each node's own clock; here none is asked. */
const onTime: Rule = ({ header }, { parent }) =>
  header.timestamp > parent.timestamp ? undefined : 'timestamp is not after the parent';

const onSection: Rule = ({ header, section }) =>
  equalBytes(header.extraData, sectionHash(section)) ? undefined : 'extraData is not the hash of the section';

/** The header's hash stands for the whole block, so what it does not contain must match what it commits to. */
const onBody: Rule = ({ header, transactions, section, parentCommit }) => {
  if (!equalBytes(header.transactionsTrie, listRoot(transactions))) {
    return 'transactionsTrie is not the root of the transactions';
  }
  const parentCommitHash = parentCommit === null ? EMPTY_HASH : commitHash(parentCommit);
  return equalBytes(section.parentCommitHash, parentCommitHash)
    ? undefined
    : 'parent commit is not the one of the section';
};

const onFees: Rule = ({ header }, { parent, gasLimit }) => {
  if (header.gasLimit !== gasLimit) return 'gas limit is not that of the chain';
  return header.baseFeePerGas === parent.calcNextBaseFee() ? undefined : 'wrong base fee';
};

/** Fields of Ethereum that this chain leaves empty. Difficulty, nonce and uncles are checked when the header is read. */
const onEmptyFields: Rule = ({ header }) => {
  if (header.blobGasUsed !== 0n || header.excessBlobGas !== 0n) return 'blob fields are not zero';
  if (!equalBytes(header.parentBeaconBlockRoot!, ZERO_32)) return 'parentBeaconBlockRoot is not zero';
  if (!equalBytes(header.withdrawalsRoot!, KECCAK256_RLP)) return 'withdrawals are not empty';
  return equalBytes(header.requestsHash!, SHA256_NULL) ? undefined : 'requests are not empty';
};

const RULES: readonly Rule[] = [onParent, onTime, onSection, onFees, onEmptyFields, onBody];

/** The first rule that the header breaks. */
export function headerFault(block: Block, around: Surroundings): string | undefined {
  for (const rule of RULES) {
    const reason = rule(block, around);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
