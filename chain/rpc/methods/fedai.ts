/** What a light client and an operator ask that Ethereum has no word for: block commits, validators, evidence, status. */
import { toHex } from '../../../core/index.ts';
import {
  type BlockCommit,
  type ConsensusSection,
  encodeCommit,
  encodeSection,
} from '../../../light/index.ts';
import type { ChainApplication } from '../../application.ts';
import { invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { readHeight } from '../params.ts';
import type { MethodGroup } from '../types.ts';
import { formatVerdict, formatWork } from '../useful-work.ts';

export const fedaiMethods: MethodGroup = ({ application, status, evidence }) => ({
  fedai_getCommit: ([height]) => commitAt(application, heightOf(application, height)),
  fedai_getValidators: async ([height]) => {
    const set = await application.validatorsAt(heightOf(application, height));
    return set.map((one) => ({
      address: one.address,
      blsPublicKey: toHex(one.blsPublicKey),
      power: quantity(one.power),
    }));
  },
  fedai_getEvidence: () => evidence(),
  fedai_status: async () => ({
    chainId: application.spec.chainId,
    name: application.spec.name,
    height: application.head.height,
    hash: toHex(application.head.hash),
    timestamp: application.head.timestamp,
    genesisHash: toHex(application.store.block(0)!.header.hash()),
    contracts: application.spec.contracts,
    work: application.spec.work ?? null,
    pool: { transactions: application.pool.count, bytes: application.pool.bytes },
    ...(await status()),
  }),
});

/** Plain numbers too: these methods are called by hand. */
function heightOf(application: ChainApplication, value: unknown): number {
  if (typeof value !== 'number') return readHeight(application, value);
  if (!Number.isSafeInteger(value) || value < 0) throw invalidParams('height: expected a whole number');
  return value;
}

/** Everything needed to trust the header at `height`; null beyond the head. RLP in hex where light/ decodes it. */
function commitAt(application: ChainApplication, height: number) {
  const block = application.store.block(height);
  if (block === undefined) return null;
  const commit = application.store.commit(height);
  return {
    height,
    hash: toHex(block.header.hash()),
    header: toHex(block.header.serialize()),
    section: formatSection(block.section),
    sectionRlp: toHex(encodeSection(block.section)),
    commit: commit === undefined ? null : formatCommit(commit),
    commitRlp: commit === undefined ? null : toHex(encodeCommit(commit)),
    parentCommit: block.parentCommit === null ? null : formatCommit(block.parentCommit),
  };
}

function formatSection(section: ConsensusSection) {
  return {
    version: section.version,
    round: section.round,
    parentCommitHash: toHex(section.parentCommitHash),
    validatorsHash: toHex(section.validatorsHash),
    nextValidatorsHash: toHex(section.nextValidatorsHash),
    randaoReveal: toHex(section.randaoReveal),
    work: section.work === null ? null : formatWork(section.work),
    verdict: section.verdict === null ? null : formatVerdict(section.verdict),
  };
}

function formatCommit(commit: BlockCommit) {
  return {
    height: commit.height,
    round: commit.round,
    blockHash: toHex(commit.blockHash),
    bitmap: toHex(commit.bitmap),
    signature: toHex(commit.signature),
  };
}
