/**
 * What consensus itself demands of a block, apart from its execution: the answer depends on the block and its parent
 * only, never on clocks or votes of this height.
 */
import { equalBytes, fromHex, toHex } from '../../core/index.ts';
import {
  type BlockCommit,
  type Checked,
  nextBeacon,
  randaoSignBytes,
  sectionHash,
  validatorSetHash,
} from '../../light/index.ts';
import type { Block } from '../types.ts';
import { checkCommit } from './commits.ts';
import { addressOf, type HeightContext, parentCommitHash } from './height.ts';
import type { SignatureScheme } from './types.ts';

interface Surroundings {
  chainId: bigint;
  context: HeightContext;
  scheme: SignatureScheme;
}

type BlockRule = (block: Block, around: Surroundings) => string | undefined;

const onParent: BlockRule = ({ header }, { context }) => {
  if (header.number !== BigInt(context.height)) return `height is ${header.number}, not ${context.height}`;
  if (!equalBytes(header.parentHash, context.parent.hash)) return 'parent is not the head';
  if (header.timestamp <= BigInt(context.parent.timestamp)) return 'timestamp is not after the parent';
  return undefined;
};

const onSection: BlockRule = ({ header, section }, { context }) => {
  if (!equalBytes(header.extraData, sectionHash(section))) return 'extraData is not the hash of the section';
  if (!equalBytes(section.validatorsHash, context.validatorsHash)) return 'wrong validator set';
  if (!equalBytes(section.nextValidatorsHash, context.nextValidatorsHash)) return 'wrong next validator set';
  return undefined;
};

/** From this consensus round on blocks carry neither work nor verdicts: whatever is wrong with bundles, the chain goes on. */
export const FIRST_ROUND_WITHOUT_WORK = 2;

const onWork: BlockRule = ({ section: { work, verdict, round } }) => {
  if (work !== null && verdict !== null) return 'proof of work beside a verdict';
  const isLate = round >= FIRST_ROUND_WITHOUT_WORK;
  return isLate && (work !== null || verdict !== null) ? 'proof of work in a later round' : undefined;
};

const onProposer: BlockRule = ({ header, section }, { context }) => {
  const expected = fromHex(addressOf(context, section.round));
  return equalBytes(header.coinbase.bytes, expected) ? undefined : 'coinbase is not the proposer';
};

const onBeacon: BlockRule = ({ header, section }, { chainId, context, scheme }) => {
  const { round, randaoReveal } = section;
  if (round === 0) {
    const publicKey = context.set[context.machine.proposer(0)]!.blsPublicKey;
    const message = randaoSignBytes(chainId, context.height);
    if (!scheme.verify({ message, publicKey, signature: randaoReveal })) return 'randao reveal is wrong';
  } else if (randaoReveal.length !== 0) {
    return 'randao reveal in a later round';
  }
  const beacon = nextBeacon(context.parent.mixHash, randaoReveal);
  return equalBytes(header.mixHash, beacon) ? undefined : 'mixHash is not the beacon';
};

const onParentCommit: BlockRule = ({ section, parentCommit }, { chainId, context, scheme }) => {
  if (!equalBytes(section.parentCommitHash, parentCommitHash(parentCommit)))
    return 'parent commit is not the one of the section';
  const { parent, parentSet } = context;
  if (parent.height === 0) return parentCommit === null ? undefined : 'genesis has no commit';
  if (parentCommit === null) return 'parent commit is missing';
  const checked = checkCommit(scheme, {
    chainId,
    set: parentSet,
    commit: parentCommit,
    blockHash: parent.hash,
    height: parent.height,
  });
  return checked.ok ? undefined : `parent commit: ${checked.reason}`;
};

/** Cheap rules first. */
const RULES: readonly BlockRule[] = [onParent, onSection, onWork, onProposer, onBeacon, onParentCommit];

export function checkBlockRules(block: Block, around: Surroundings): Checked {
  for (const rule of RULES) {
    const reason = rule(block, around);
    if (reason !== undefined) return { ok: false, reason };
  }
  return { ok: true };
}

/** Verdict on a commit that a peer gave for `block`. */
export function checkDecided(block: Block, commit: BlockCommit, around: Surroundings): Checked {
  const { set, height } = around.context;
  if (!equalBytes(validatorSetHash(set), block.section.validatorsHash))
    return { ok: false, reason: `validator set of ${toHex(block.header.hash())} is not ours` };
  const blockHash = block.header.hash();
  return checkCommit(around.scheme, { chainId: around.chainId, set, commit, blockHash, height });
}
