/** What consensus needs from outside and what it offers. Blocks and the Application interface are in chain/types.ts. */
import type { BlsCheck } from '../../core/bls/index.ts';
import type { Clock, Log, Service, Verdict } from '../../core/index.ts';
import type { BlockCommit, Carried } from '../../light/index.ts';
import type { Application, Block, ConsensusNetwork } from '../types.ts';
import type { Step } from './machine-state.ts';
import type { ConsensusMessage, SignedProposal, SignedVote } from './messages.ts';

/** From the chain spec. Timeouts of round r are the base plus r times the delta, a minute more at most. */
export interface ConsensusTiming {
  /** The least time between the starts of two heights. */
  blockTimeMs: number;
  proposeTimeoutMs: number;
  prevoteTimeoutMs: number;
  precommitTimeoutMs: number;
  timeoutDeltaMs: number;
}

/** Signatures as consensus uses them; production uses BLS12-381, the simulator may use something cheaper. */
export interface SignatureScheme {
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  verify(check: BlsCheck): boolean;
  verifyAll(checks: readonly BlsCheck[]): boolean;
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;
  verifyAggregate(message: Uint8Array, publicKeys: readonly Uint8Array[], signature: Uint8Array): boolean;
}

/** A small file that is replaced whole. When `write` returns, the new content survives a power cut. */
export interface SafeFile {
  read(): Uint8Array | undefined;
  write(bytes: Uint8Array): void;
}

/** Records in order. Appends survive the process; only `sync` makes them survive a power cut. */
export interface RecordLog {
  /** Everything that is whole, oldest first; a torn tail is dropped. */
  records(): Uint8Array[];
  append(record: Uint8Array): void;
  sync(): void;
  /** Replaces all records, atomically and synced. */
  reset(records: readonly Uint8Array[]): void;
}

export interface ConsensusStorage {
  readonly signState: SafeFile;
  /** Write-ahead log of the current height. */
  readonly wal: RecordLog;
  /** Proofs of equivocation, kept for ever. */
  readonly evidence: RecordLog;
}

/** The decided past, as the store knows it. */
export interface ConsensusHistory {
  /** mixHash of the block at `height`, 32 bytes. */
  beaconAt(height: number): Promise<Uint8Array>;
  /** The commit of the block at `height`; null for genesis. */
  commitAt(height: number): Promise<BlockCommit | null>;
}

export interface BlockCodec {
  encode(block: Block): Uint8Array;
  /** Throws on malformed bytes. */
  decode(bytes: Uint8Array): Block;
}

export interface Decided {
  block: Block;
  commit: BlockCommit;
  height: number;
  /** From the start of the height on this node to its commit on disk; null for blocks taken from a peer. */
  finalityMs: number | null;
}

/** Two messages that no correct validator signs both. */
export interface Evidence {
  validator: number;
  first: SignedVote | SignedProposal;
  second: SignedVote | SignedProposal;
}

/** The way to validators that may have seen what this one signed. */
export interface Witnesses {
  /** Sends `question` to all that can be reached; each answer as it comes. Who sends what is rejected is to blame. */
  ask(question: Uint8Array, take: (answer: Uint8Array) => Verdict): Promise<void>;
}

/** Proofs of useful work and verdicts of the court as consensus sees them. */
export interface WorkProofs {
  /** What the next block may carry: nothing where nothing is drawn or accused, or no bundle is here and replayed. */
  choose(): Promise<Carried>;
  /** Resolves true once what the block carries is replayed here; false when it is wrong. May take longer than a round. */
  proven(block: Block): Promise<boolean>;
}

export interface ConsensusOptions {
  readonly chainId: bigint;
  readonly timing: ConsensusTiming;
  readonly epochBlocks: number;
  readonly application: Application;
  readonly network: ConsensusNetwork<ConsensusMessage>;
  readonly history: ConsensusHistory;
  readonly codec: BlockCodec;
  readonly storage: ConsensusStorage;
  /** BLS secret key, 32 bytes; null follows without voting. */
  readonly secretKey: Uint8Array | null;
  readonly scheme: SignatureScheme;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: this chain has no proofs of useful work. */
  readonly work?: WorkProofs;
  /** Asked before the first signature. Without them this directory is taken for the only one of its key. */
  readonly witnesses?: Witnesses;
  /** Called once when going on would be unsafe (a disk that fails, a decided block that does not execute). */
  readonly onFault?: (cause: unknown) => void;
}

export interface ConsensusStatus {
  /** The height being decided. */
  height: number;
  round: number;
  step: Step;
  /** Whether this node votes at this height. */
  validator: boolean;
}

/** What the height in progress keeps in memory: strangers must not be able to make it grow without bound. */
export interface Held {
  /** Signed messages of this height. */
  messages: number;
  /** Proposed blocks with their bodies. */
  blocks: number;
  /** Messages of the next height. */
  waiting: number;
}

export interface Consensus extends Service {
  status(): ConsensusStatus | undefined;
  held(): Held;
  /**
   * The entry of catch-up: verifies commit and block and makes it the head. Answers false when the block is not the
   * next one; throws `BAD_BLOCK_COMMIT` or `INVALID_BLOCK` when the peer lied.
   */
  applyDecided(block: Block, commit: BlockCommit): Promise<boolean>;
  /** Whether `commit` proves that the block `hash` is final at `height`. */
  provesHead(height: number, hash: Uint8Array, commit: BlockCommit): Promise<boolean>;
  /** Answers a validator that starts. Throws `BAD_RLP`, and `NOT_A_VALIDATOR` when this node is none. */
  answer(question: Uint8Array): Promise<Uint8Array>;
  /** A block proposed at this height that this node holds, to serve to peers. */
  proposedBlock(hash: Uint8Array): Block | undefined;
  evidence(): Evidence[];
  /** Called when new evidence is on disk. */
  onEvidence(handler: (evidence: Evidence) => void): void;
  onDecided(handler: (decided: Decided) => void): void;
  /** Peer `from` speaks of a height that this node has not reached; catch-up should ask it. */
  onBehind(handler: (height: number, from: string) => void): void;
}
