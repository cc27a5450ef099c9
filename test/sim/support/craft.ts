/** Blocks and commits as a Byzantine validator makes them: valid ones of its own, and ones that break one rule each. */
import { type BlockHeader, createBlockHeader } from '@ethereumjs/block';
import type { SignedVote } from '../../../chain/consensus/index.ts';
import type { Block, Head } from '../../../chain/types.ts';
import { type SeededRandom, sha256, uintBytes } from '../../../core/index.ts';
import {
  type BlockCommit,
  type ConsensusSection,
  commitHash,
  EMPTY_HASH,
  encodeBitmap,
  nextBeacon,
  randaoSignBytes,
  sectionHash,
  validatorSetHash,
  voteSignBytes,
} from '../../../light/index.ts';
import { common, GAS_LIMIT, makeHeader } from './ledger.ts';
import { CHAIN_ID, type Node, secretOf, type World } from './node.ts';

export interface Crafted {
  block: Block;
  valid: boolean;
}

type Flaw = (
  block: Block,
  random: SeededRandom,
  head: Head,
) => { header?: Record<string, unknown>; section?: Partial<ConsensusSection>; parentCommit?: null };

/** Another timestamp or transaction root makes another block. Each of these breaks one rule. */
const FLAWS: readonly Flaw[] = [
  () => ({ header: { gasLimit: GAS_LIMIT - 1n } }),
  (_block, random) => ({ header: { coinbase: new Uint8Array(20).fill(100 + random.below(9)) } }),
  () => ({ header: { mixHash: sha256(uintBytes(1, 1)) } }),
  (_block, random) => ({ section: { randaoReveal: new Uint8Array(96).fill(random.below(256)) } }),
  () => ({ section: { validatorsHash: EMPTY_HASH } }),
  () => ({ section: { nextValidatorsHash: EMPTY_HASH } }),
  () => ({ section: { parentCommitHash: sha256(uintBytes(2, 1)) } }),
  () => ({ parentCommit: null, section: { parentCommitHash: sha256(uintBytes(3, 1)) } }),
  ({ section }) => ({ section: { round: section.round + 1, randaoReveal: new Uint8Array(96) } }),
  (_block, _random, head) => ({ header: { timestamp: head.timestamp } }),
  () => ({ header: { parentHash: sha256(uintBytes(4, 1)) } }),
  (block) => ({ header: { number: block.header.number + 1n } }),
  () => ({ header: { extraData: sha256(uintBytes(5, 1)) } }),
];

/** A block for `round` of the next height that no rule forbids; `shiftSeconds` makes different ones. */
export function craftBlock(world: World, node: Node, round: number, shiftSeconds: number): Block {
  const { head, store } = node.ledger;
  const height = head.height + 1;
  const parentCommit = store.commit(head.height) ?? null;
  const secret = secretOf(node.validator);
  const randaoReveal =
    round === 0 ? world.scheme.sign(randaoSignBytes(CHAIN_ID, height), secret) : new Uint8Array(0);
  const hash = validatorSetHash(world.set);
  const section: ConsensusSection = {
    version: 1,
    round,
    parentCommitHash: parentCommit === null ? EMPTY_HASH : commitHash(parentCommit),
    validatorsHash: hash,
    nextValidatorsHash: hash,
    randaoReveal,
    work: null,
    verdict: null,
  };
  const nowMs = node.time.now() + 1000 * shiftSeconds;
  const beacon = nextBeacon(head.mixHash, randaoReveal);
  const input = { height, round, proposer: node.address, beacon, section, parentCommit, nowMs };
  return { header: makeHeader(input, head), transactions: [], section, parentCommit };
}

export function craftInvalid(world: World, node: Node, round: number): Block {
  const { random } = world.schedule;
  const block = craftBlock(world, node, round, random.below(3));
  const flaw = random.pick(FLAWS)(block, random, node.ledger.head);
  const section = { ...block.section, ...flaw.section };
  const changes = flaw.section === undefined ? {} : { extraData: sectionHash(section) };
  const header = changed(block.header, { ...changes, ...flaw.header });
  const parentCommit = flaw.parentCommit === null ? null : block.parentCommit;
  return { header, transactions: [], section, parentCommit };
}

function changed(header: BlockHeader, fields: Record<string, unknown>): BlockHeader {
  const { parentHash, number, coinbase, gasLimit, timestamp, extraData, mixHash } = header;
  const { baseFeePerGas, parentBeaconBlockRoot, requestsHash } = header;
  return createBlockHeader(
    {
      ...{ parentHash, number, coinbase, gasLimit, timestamp, extraData, mixHash },
      ...{
        baseFeePerGas: baseFeePerGas!,
        parentBeaconBlockRoot: parentBeaconBlockRoot!,
        requestsHash: requestsHash!,
      },
      ...fields,
    },
    { common },
  );
}

/** A commit of `block` signed by the forger and at most one other, whose precommit for it he holds among `votes`. */
export function forgeCommit(
  world: World,
  node: Node,
  block: Block,
  { round, votes, claimAll }: { round: number; votes: readonly SignedVote[]; claimAll: boolean },
): BlockCommit {
  const { scheme, set } = world;
  const height = Number(block.header.number);
  const blockHash = block.header.hash();
  const message = voteSignBytes({ chainId: CHAIN_ID, type: 'precommit', height, round, blockHash });
  const own = { validator: node.validator, signature: scheme.sign(message, secretOf(node.validator)) };
  const fitting = votes.filter(
    (vote) =>
      vote.type === 'precommit' &&
      vote.validator !== node.validator &&
      vote.height === height &&
      vote.round === round &&
      `${vote.blockHash}` === `${blockHash}`,
  );
  const signers = [own, ...fitting.slice(0, 1)];
  const bits = claimAll ? set.map((_, index) => index) : signers.map(({ validator }) => validator);
  return {
    height,
    round,
    blockHash,
    bitmap: encodeBitmap(bits, set.length),
    signature: scheme.aggregate(signers.map(({ signature }) => signature)),
  };
}
