/** The signed messages of consensus and their wire form. Verification is in intake.ts. */
import { encode } from '@ethereumjs/rlp';
import { concatBytes, FedaiError, keccak256, uintBytes, utf8 } from '../../core/index.ts';
import {
  MAX_COMMIT_BYTES,
  MAX_ROUND,
  readBytes,
  readList,
  readUint,
  type VoteType,
  voteSignBytes,
} from '../../light/index.ts';

export interface SignedVote {
  kind: 'vote';
  type: VoteType;
  height: number;
  round: number;
  /** 32 bytes, or null for nil. */
  blockHash: Uint8Array | null;
  /** Index in the set of `height`. */
  validator: number;
  signature: Uint8Array;
  /** 0 when first sent, then the time of sending again: gossip drops bytes that it has seen. Not signed. */
  attempt: number;
}

/** The signer is the proposer of (height, round). The transactions are fetched by the block's hash. */
export interface SignedProposal {
  kind: 'proposal';
  height: number;
  round: number;
  /** −1, or the earlier round in which the block had +2/3 prevotes. */
  validRound: number;
  /** RLP of the Ethereum header. */
  header: Uint8Array;
  /** RLP of the consensus section. */
  section: Uint8Array;
  /** RLP of the parent's commit; empty at height 1. */
  parentCommit: Uint8Array;
  signature: Uint8Array;
  attempt: number;
}

export type ConsensusMessage = SignedVote | SignedProposal;

/** A Prague header is under 700 bytes, a section under 256, a commit under 320. */
export const MAX_MESSAGE_BYTES = 2048;
const MAX_HEADER_BYTES = 1024;

const VOTE_KIND = 1;
const PROPOSAL_KIND = 2;
const VOTE_TYPES: readonly VoteType[] = ['prevote', 'precommit'];
const PROPOSAL_DOMAIN = utf8('fedai-proposal/1');

/** domain 16 ‖ chainId 32 ‖ height 8 ‖ round 4 ‖ validRound + 1 4 ‖ blockHash 32 = 96 bytes. */
export function proposalSignBytes(
  chainId: bigint,
  proposal: Pick<SignedProposal, 'height' | 'round' | 'validRound'>,
  blockHash: Uint8Array,
): Uint8Array {
  return concatBytes(
    PROPOSAL_DOMAIN,
    uintBytes(chainId, 32),
    uintBytes(proposal.height, 8),
    uintBytes(proposal.round, 4),
    uintBytes(proposal.validRound + 1, 4),
    blockHash,
  );
}

/** What the signer of a message signed. */
export const messageSignBytes = (chainId: bigint, message: ConsensusMessage): Uint8Array =>
  message.kind === 'vote'
    ? voteSignBytes({ chainId, ...message })
    : proposalSignBytes(chainId, message, proposalBlockHash(message));

/** By the header's bytes, which a message sent again shares: the hash is asked for at each step of a proposal's way. */
const blockHashes = new WeakMap<Uint8Array, Uint8Array>();

export function proposalBlockHash({ header }: SignedProposal): Uint8Array {
  const known = blockHashes.get(header);
  if (known !== undefined) return known;
  const hash = keccak256(header);
  blockHashes.set(header, hash);
  return hash;
}

/** A message that came in is logged, and one of ours is sent and logged: its bytes are made once. */
const encodings = new WeakMap<ConsensusMessage, Uint8Array>();

export function encodeConsensusMessage(message: ConsensusMessage): Uint8Array {
  const known = encodings.get(message);
  if (known !== undefined) return known;
  const bytes = encodeMessage(message);
  encodings.set(message, bytes);
  return bytes;
}

/** RLP [1, type, height, round, blockHash, validator, signature, attempt] or [2, height, round, validRound + 1, header, section, parentCommit, signature, attempt]. */
function encodeMessage(message: ConsensusMessage): Uint8Array {
  if (message.kind === 'vote') {
    const { type, height, round, blockHash, validator, signature, attempt } = message;
    const kindOfVote = VOTE_TYPES.indexOf(type);
    const hash = blockHash ?? new Uint8Array(0);
    return encode([VOTE_KIND, kindOfVote, height, round, hash, validator, signature, attempt]);
  }
  const { height, round, validRound, header, section, parentCommit, signature, attempt } = message;
  return encode([
    PROPOSAL_KIND,
    height,
    round,
    validRound + 1,
    header,
    section,
    parentCommit,
    signature,
    attempt,
  ]);
}

/** Throws `BAD_RLP` on anything that `encodeConsensusMessage` would not have written. */
export function decodeConsensusMessage(bytes: Uint8Array): ConsensusMessage {
  const message = decodeMessage(bytes);
  encodings.set(message, bytes);
  return message;
}

function decodeMessage(bytes: Uint8Array): ConsensusMessage {
  const items = readList(bytes, 'consensus message', MAX_MESSAGE_BYTES);
  const kind = readUint(items[0], 'message kind');
  if (kind === VOTE_KIND && items.length === 8) {
    const hash = readBytes(items[4], 'block hash of the vote', 0, 32);
    return {
      kind: 'vote',
      type: VOTE_TYPES[readUint(items[1], 'vote type', VOTE_TYPES.length - 1)]!,
      height: readUint(items[2], 'vote height'),
      round: readUint(items[3], 'vote round', MAX_ROUND),
      blockHash: hash.length === 0 ? null : hash,
      validator: readUint(items[5], 'validator index', 0xffff),
      signature: readBytes(items[6], 'vote signature', 96),
      attempt: readUint(items[7], 'attempt'),
    };
  }
  if (kind !== PROPOSAL_KIND || items.length !== 9)
    throw new FedaiError('BAD_RLP', 'unknown kind of consensus message', { kind, items: items.length });
  return {
    kind: 'proposal',
    height: readUint(items[1], 'proposal height'),
    round: readUint(items[2], 'proposal round', MAX_ROUND),
    validRound: readUint(items[3], 'valid round', MAX_ROUND) - 1,
    header: bounded(readBytes(items[4], 'header'), 'header', MAX_HEADER_BYTES),
    section: readBytes(items[5], 'consensus section'),
    parentCommit: bounded(readBytes(items[6], 'parent commit'), 'parent commit', MAX_COMMIT_BYTES),
    signature: readBytes(items[7], 'proposal signature', 96),
    attempt: readUint(items[8], 'attempt'),
  };
}

function bounded(bytes: Uint8Array, what: string, maxBytes: number): Uint8Array {
  if (bytes.length <= maxBytes) return bytes;
  throw new FedaiError('BAD_RLP', `${what} is too long`, { got: bytes.length, expected: `<= ${maxBytes}` });
}
