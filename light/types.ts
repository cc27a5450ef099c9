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
  /** The proof of useful work that this block carries, if any. */
  work: WorkSection | null;
  /** The judgement of the court that this block carries, if any: never beside a proof of work. */
  verdict: VerdictSection | null;
}

/** What a block may carry for validators to replay: one of the two, or neither. */
export type Carried = Pick<ConsensusSection, 'work' | 'verdict'>;

/** One drawn segment of paid training, opened: what the bundle proves and the chain has drawn. docs/protocol/useful-work.md. */
export interface WorkSection {
  /** Work height whose draw this opens, and the rank in it. */
  drawHeight: number;
  rank: number;
  jobId: bigint;
  /** Account that trained it, 20 bytes. */
  worker: Uint8Array;
  /** Root of the trace committed before the draw, 32 bytes. */
  traceRoot: Uint8Array;
  segment: number;
  /** Weights root of the state that the segment ends with, 32 bytes. */
  modelHash: Uint8Array;
  /** Wei burned by all traces that the draw covered. */
  totalWeight: bigint;
  /** Account that found the bundle and is paid for it, 20 bytes. */
  opener: Uint8Array;
  /** Content id of the bundle (CIDv1, binary): anyone can fetch and replay it. */
  bundle: Uint8Array;
}

/** A case of the court, decided by replaying a bundle. docs/protocol/useful-work.md. */
export interface VerdictSection {
  caseId: number;
  jobId: bigint;
  /** Account whose trace it is, 20 bytes. */
  worker: Uint8Array;
  /** Root of the trace, 32 bytes. */
  traceRoot: Uint8Array;
  segment: number;
  /** The segment's steps lead to another state than the trace says. */
  guilty: boolean;
  /** What an honest auditor of the segment reveals, 32 bytes. */
  digest: Uint8Array;
  /** Content id of the bundle (CIDv1, binary): anyone can fetch and replay it. */
  bundle: Uint8Array;
}

export type Checked = { ok: true } | { ok: false; reason: string };
