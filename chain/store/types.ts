/** What the chain keeps on disk, and how it is read back. Only final blocks are here: there are no forks to hold. */
import type { BlockCommit } from '../../light/index.ts';
import type { Receipt, StateSource, StateWrites } from '../execution/index.ts';
import type { Block } from '../types.ts';
import type { TransactionPlace } from './records.ts';

/** Everything that one height adds. `commit` is null for genesis only. */
export interface StoredHeight {
  readonly block: Block;
  readonly hash: Uint8Array;
  readonly transactionHashes: readonly Uint8Array[];
  readonly receipts: readonly Receipt[];
  readonly commit: BlockCommit | null;
  readonly writes: StateWrites;
}

export interface ChainStore {
  /** Greatest height stored. */
  readonly height: number;
  readonly state: StateSource;
  /** One synced, atomic write: afterwards the height is there whole, before it not at all. Heights come in order. */
  append(stored: StoredHeight): Promise<void>;
  block(height: number): Block | undefined;
  /** As `encodeBlock` made it, for serving peers without decoding. */
  encodedBlock(height: number): Uint8Array | undefined;
  commit(height: number): BlockCommit | undefined;
  receipts(height: number): Receipt[] | undefined;
  heightOf(hash: Uint8Array): number | undefined;
  placeOf(transactionHash: Uint8Array): TransactionPlace | undefined;
  /** Heights in [from, to] whose bloom passes `test`, ascending. */
  heightsMatching(from: number, to: number, test: (bloom: Uint8Array) => boolean): AsyncIterable<number>;
  close(): Promise<void>;
}
