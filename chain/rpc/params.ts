/** Reads parameters of JSON-RPC calls; whatever is malformed is -32602 with the place named. */
import { type BlockHeader, createBlockHeader } from '@ethereumjs/block';
import { fromHex, type Hex } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import { invalidParams, rpcFault, SERVER_ERROR } from './faults.ts';

export type Params = readonly unknown[];

const QUANTITY = /^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/;
/** Some clients pad; geth refuses, but being able to read a number is no harm. */
const PADDED_QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;

export function readQuantity(value: unknown, name: string): bigint {
  if (typeof value !== 'string' || !(QUANTITY.test(value) || PADDED_QUANTITY.test(value))) {
    throw invalidParams(`${name}: expected a 0x-prefixed quantity`);
  }
  return BigInt(value);
}

export function readData(value: unknown, name: string, bytes?: number): Uint8Array {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value)) {
    throw invalidParams(`${name}: expected 0x-prefixed hex`);
  }
  if (bytes !== undefined && value.length !== 2 + 2 * bytes) {
    throw invalidParams(`${name}: expected ${bytes} bytes`);
  }
  return fromHex(value);
}

export const readAddress = (value: unknown, name = 'address'): Uint8Array => readData(value, name, 20);
export const readHash = (value: unknown, name = 'hash'): Uint8Array => readData(value, name, 32);

export function readHexAddress(value: unknown, name: string): Hex {
  readAddress(value, name);
  return (value as string).toLowerCase() as Hex;
}

/** Slots come as quantities or as 32 bytes. */
export function readSlot(value: unknown, name: string): Uint8Array {
  const slot = readQuantity(value, name).toString(16).padStart(64, '0');
  return fromHex(`0x${slot}`);
}

/** Every block here is final, so the head answers to all names but the first block's. */
const HEAD_TAGS = new Set(['latest', 'pending', 'safe', 'finalized']);

/** A height, which may be beyond the head. */
export function readHeight(application: ChainApplication, value: unknown): number {
  const head = application.head.height;
  if (value === undefined || value === null) return head;
  if (typeof value === 'string') {
    if (HEAD_TAGS.has(value)) return head;
    if (value === 'earliest') return 0;
    const height = readQuantity(value, 'block');
    if (height > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidParams('block: number too large');
    return Number(height);
  }
  return readBlockObject(application, value);
}

/** EIP-1898. */
function readBlockObject(application: ChainApplication, value: unknown): number {
  if (typeof value === 'object' && value !== null) {
    // Only text: objects within objects would be followed as deep as a body is long.
    if ('blockNumber' in value && typeof value.blockNumber === 'string') {
      return readHeight(application, value.blockNumber);
    }
    if ('blockHash' in value) {
      const height = application.store.heightOf(readHash(value.blockHash, 'blockHash'));
      if (height === undefined) throw rpcFault(SERVER_ERROR, 'header not found');
      return height;
    }
  }
  throw invalidParams('block: expected a tag, a quantity, or an object with blockNumber or blockHash');
}

/** Header of an existing block; -32000 `header not found` otherwise. */
export function readHeader(application: ChainApplication, value: unknown): BlockHeader {
  const height = readHeight(application, value);
  if (height === application.head.height) return application.headHeader;
  const block = application.store.block(height);
  if (block === undefined) throw rpcFault(SERVER_ERROR, 'header not found');
  return block.header;
}

/** Header in whose block a call runs: the next block's, on the head's state, for `pending`; else as `readHeader`. */
export function readCallHeader(application: ChainApplication, value: unknown, nowMs: number): BlockHeader {
  if (value !== 'pending') return readHeader(application, value);
  const { headHeader: head, common } = application;
  const now = BigInt(Math.floor(nowMs / 1000));
  const next = head.timestamp + 1n;
  const fields = {
    ...head,
    parentHash: head.hash(),
    number: head.number + 1n,
    timestamp: now > next ? now : next,
    baseFeePerGas: head.calcNextBaseFee(),
    gasUsed: 0n,
  };
  return createBlockHeader(fields, { common });
}
