/**
 * The shapes that the chain's parts share: a block, what consensus asks of execution, what it asks of the network.
 * Owns no behaviour; encodings are in block.ts, consensus documents in light/.
 */
import type { BlockHeader } from '@ethereumjs/block';
import type { Hex, Verdict } from '../core/index.ts';
import type { BlockCommit, ConsensusSection, ValidatorSet } from '../light/index.ts';

/** A block as it travels and rests: a valid Ethereum header, raw signed transactions, and what consensus adds. */
export interface Block {
  readonly header: BlockHeader;
  /** Each in its network form: legacy RLP list, or type byte and payload (EIP-2718). */
  readonly transactions: readonly Uint8Array[];
  /** Bound to the header: keccak256(encodeSection(section)) = header.extraData. */
  readonly section: ConsensusSection;
  /** The commit of height − 1, bound by `section.parentCommitHash`; null at heights 0 and 1. */
  readonly parentCommit: BlockCommit | null;
}

/** The block that the next one builds on. */
export interface Head {
  readonly height: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** The random beacon of this height, 32 bytes. */
  readonly mixHash: Uint8Array;
  /** Seconds since the Unix epoch, as in the header. */
  readonly timestamp: number;
}

export interface BuildInput {
  readonly height: number;
  readonly round: number;
  readonly proposer: Hex;
  /** The new block's mixHash, 32 bytes. */
  readonly beacon: Uint8Array;
  readonly section: ConsensusSection;
  readonly parentCommit: BlockCommit | null;
  /** Wall clock in milliseconds; the header's timestamp is max(parent + 1, now) in seconds. */
  readonly nowMs: number;
}

export type BlockCheck = { valid: true } | { valid: false; reason: string };

/** What consensus needs of the state machine it orders blocks for. */
export interface Application {
  readonly head: Head;
  /** A block on top of the head, filled from the pool. */
  buildBlock(input: BuildInput): Promise<Block>;
  /** Executes the block against the head's state without committing anything; a second call costs nothing. */
  checkBlock(block: Block): Promise<BlockCheck>;
  /** Makes the block the head in one atomic, synced write. Throws `INVALID_BLOCK` if it does not check. */
  commitBlock(block: Block, commit: BlockCommit): Promise<void>;
  /** The set whose votes decide `height`, in Staking's order. */
  validatorsAt(height: number): Promise<ValidatorSet>;
}

/** How consensus reaches its peers. `Message` is the signed union of proposal and votes that consensus defines. */
export interface ConsensusNetwork<Message> {
  broadcast(message: Message): void;
  /** The block with this hash (32 bytes), its body verified against the header; `from` is the peer to ask first. */
  fetchBlock(hash: Uint8Array, from?: string): Promise<Block>;
  onMessage(handler: (message: Message, from: string) => Promise<Verdict>): void;
}
