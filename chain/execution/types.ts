/** What the rest of the chain sees of execution, whatever EVM is behind it. */
import type { BlockHeader } from '@ethereumjs/block';
import type { TypedTransaction } from '@ethereumjs/tx';
import type { Hex } from '../../core/index.ts';
import type { Carried } from '../../light/index.ts';
import type { StateWrites } from './stateDb.ts';

export interface Log {
  readonly address: Uint8Array;
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/** What became of one transaction. Amounts are wei, gas is gas. */
export interface Receipt {
  readonly type: number;
  readonly succeeded: boolean;
  readonly from: Uint8Array;
  /** null when the transaction creates a contract. */
  readonly to: Uint8Array | null;
  readonly contractAddress: Uint8Array | null;
  readonly gasUsed: bigint;
  readonly cumulativeGasUsed: bigint;
  readonly effectiveGasPrice: bigint;
  /** 256 bytes. */
  readonly bloom: Uint8Array;
  readonly logs: readonly Log[];
}

/** What a block's transactions see of their block, and what it carries, which contracts are told before the first of them. */
export interface BlockEnvironment extends Carried {
  readonly number: number;
  readonly parentHash: Uint8Array;
  readonly coinbase: Hex;
  /** Seconds. */
  readonly timestamp: number;
  readonly mixHash: Uint8Array;
  readonly extraData: Uint8Array;
  readonly gasLimit: bigint;
  readonly baseFeePerGas: bigint;
}

/** A block executed on top of a committed state, with what must be stored if it is committed. */
export interface ExecutedBlock {
  readonly header: BlockHeader;
  readonly transactions: readonly TypedTransaction[];
  readonly receipts: readonly Receipt[];
  readonly writes: StateWrites;
}

/** A message call that leaves no trace. */
export interface CallRequest {
  readonly from: Hex;
  readonly to: Hex | null;
  readonly data: Uint8Array;
  readonly value: bigint;
  readonly gasLimit: bigint;
  readonly gasPrice: bigint;
}

export type CallFailure = 'reverted' | 'out of gas' | 'failed';

export interface CallOutcome {
  readonly gasUsed: bigint;
  /** Return value, or revert data. */
  readonly output: Uint8Array;
  readonly failure?: { readonly kind: CallFailure; readonly message: string };
}

/** The state machine. Every method starts from a committed root and changes nothing outside its result. */
export interface Execution {
  /** Executes candidates in order, leaving out those that do not fit or are not valid. */
  build(
    environment: BlockEnvironment,
    parentRoot: Uint8Array,
    candidates: readonly TypedTransaction[],
  ): Promise<ExecutedBlock>;
  /** Executes exactly these transactions; throws `INVALID_BLOCK` when one is not valid. */
  replay(
    environment: BlockEnvironment,
    parentRoot: Uint8Array,
    transactions: readonly Uint8Array[],
  ): Promise<ExecutedBlock>;
  /** A call in the state and block of `header`. */
  call(header: BlockHeader, request: CallRequest): Promise<CallOutcome>;
  /** The outcome of a call made before; undefined where the EVM would have to run. */
  knownCall(header: BlockHeader, request: CallRequest): Promise<CallOutcome> | undefined;
  /** Least gas limit with which the request succeeds as a transaction; throws `CALL_FAILED` with its outcome. */
  estimateGas(header: BlockHeader, request: CallRequest): Promise<bigint>;
  /** Tells execution that a block's writes are on disk. */
  committed(writes: StateWrites): void;
}

/** Hash of an earlier block by height, for BLOCKHASH. */
export type BlockHashes = (height: number) => Uint8Array;
