/** What one height takes in, and its records in the write-ahead log: replaying them leads to the same state. */
import { encode } from '@ethereumjs/rlp';
import { FedaiError, fromHex, toHex } from '../../core/index.ts';
import { MAX_ROUND, readBytes, readItems, readList, readUint } from '../../light/index.ts';
import type { Block } from '../types.ts';
import type { BlockId, TimedStep } from './machine-state.ts';
import { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from './messages.ts';
import type { BlockCodec } from './types.ts';

export type Input =
  | { kind: 'start' }
  /** Verified, or our own. */
  | { kind: 'message'; message: ConsensusMessage }
  /** Fetched or built, and checked. */
  | { kind: 'block'; id: BlockId; block: Block; valid: boolean }
  | { kind: 'value'; round: number; id: BlockId }
  | { kind: 'timeout'; step: TimedStep; round: number };

const WAL_VERSION = 1;
const KINDS = ['start', 'message', 'block', 'value', 'timeout'] as const;
/** Items of each kind's record, the kind among them. */
const ITEMS = { start: 1, message: 2, block: 4, value: 3, timeout: 3 } as const;
const TIMED_STEPS: readonly TimedStep[] = ['propose', 'prevote', 'precommit'];
/** Own records only; the bound is there for corrupt files. */
const MAX_RECORD_BYTES = 1 << 28;

/** First record of a log: RLP [version, chainId, height]. */
export const encodeWalHeader = (chainId: bigint, height: number): Uint8Array =>
  encode([WAL_VERSION, chainId, height]);

/** RLP [kind, …]. */
export function encodeInput(input: Input, codec: BlockCodec): Uint8Array {
  const kind = KINDS.indexOf(input.kind);
  switch (input.kind) {
    case 'start':
      return encode([kind]);
    case 'message':
      return encode([kind, encodeConsensusMessage(input.message)]);
    case 'block':
      return encode([kind, fromHex(input.id), codec.encode(input.block), input.valid ? 1 : 0]);
    case 'value':
      return encode([kind, input.round, fromHex(input.id)]);
    case 'timeout':
      return encode([kind, TIMED_STEPS.indexOf(input.step), input.round]);
  }
}

/** Throws `BAD_RLP`. */
export function decodeInput(bytes: Uint8Array, codec: BlockCodec): Input {
  const items = readList(bytes, 'record of the write-ahead log', MAX_RECORD_BYTES);
  const kind = KINDS[readUint(items[0], 'record kind')];
  if (kind !== undefined) readItems(items, `record of kind ${kind}`, ITEMS[kind]);
  switch (kind) {
    case 'start':
      return { kind };
    case 'message':
      return { kind, message: decodeConsensusMessage(readBytes(items[1], 'message')) };
    case 'block': {
      const id = toHex(readBytes(items[1], 'block hash', 32));
      const block = codec.decode(readBytes(items[2], 'block'));
      return { kind, id, block, valid: readUint(items[3], 'validity', 1) === 1 };
    }
    case 'value': {
      const round = readUint(items[1], 'round', MAX_ROUND);
      return { kind, round, id: toHex(readBytes(items[2], 'block hash', 32)) };
    }
    case 'timeout': {
      const step = TIMED_STEPS[readUint(items[1], 'step', TIMED_STEPS.length - 1)]!;
      return { kind, step, round: readUint(items[2], 'round', MAX_ROUND) };
    }
    default:
      throw new FedaiError('BAD_RLP', 'unknown record in the write-ahead log', { bytes: bytes.length });
  }
}
