/** What a light client needs to know about fedai blocks: validators, block commits, consensus sections. No execution types. */
import type { Hex } from '../core/index.ts';

export interface Validator {
  /** Account that stakes and is the coinbase of the blocks that it proposes. */
  address: Hex;
  /** Compressed BLS12-381 G1 point, 48 bytes. */
  blsPublicKey: Uint8Array;
  /** Voting power: stake in wei. */
  power: bigint;
}

/** In the order of `Staking.validators()`; the index of a validator is its bit in commit bitmaps. */
export type ValidatorSet = readonly Validator[];

/** +2/3 precommits for one block, aggregated. */
export interface BlockCommit {
  height: number;
  /** Consensus round of the precommits (not of the block's creation). */
  round: number;
  /** Keccak-256 of the header's RLP, 32 bytes. */
  blockHash: Uint8Array;
  /** Bit i (byte i/8, least significant bit first) = validator i signed; exactly ceil(n/8) bytes, spare bits zero. */
  bitmap: Uint8Array;
  /** Aggregate BLS12-381 G2 signature, compressed, 96 bytes. */
  signature: Uint8Array;
}

/** Consensus fields that an Ethereum header has no room for; `extraData` of the header is their hash. */
export interface ConsensusSection {
  version: 1;
  /** Consensus round in which the block was created; a re-proposal keeps it. */
  round: number;
  /** Hash of the parent's block commit, 32 bytes; zeros in block 1. */
  parentCommitHash: Uint8Array;
  /** Hash of the set that signs this height, 32 bytes. */
  validatorsHash: Uint8Array;
  /** Hash of the set that signs the next height, 32 bytes. */
  nextValidatorsHash: Uint8Array;
  /** Proposer's BLS signature over the height (96 bytes) in round 0, otherwise empty. */
  randaoReveal: Uint8Array;
  /** Work section; none yet. */
  work: null;
}

export type Checked = { ok: true } | { ok: false; reason: string };
