/** Reads an Ethereum header of the Prague fork from its RLP, without an EVM library. */
import { keccak256 } from '../core/index.ts';
import { readBigInt, readBytes, readList, readUint } from './rlp.ts';

/** All fields in the order of the RLP list. Hashes are 32 bytes. */
export interface HeaderFields {
  /** Keccak-256 of the RLP. */
  hash: Uint8Array;
  parentHash: Uint8Array;
  /** 20 bytes. */
  coinbase: Uint8Array;
  stateRoot: Uint8Array;
  transactionsRoot: Uint8Array;
  receiptsRoot: Uint8Array;
  number: number;
  gasLimit: bigint;
  gasUsed: bigint;
  /** Seconds since the Unix epoch. */
  timestamp: number;
  /** Hash of the consensus section. */
  extraData: Uint8Array;
  /** The random beacon. */
  mixHash: Uint8Array;
  baseFeePerGas: bigint;
}

const MAX_HEADER_BYTES = 1024;

/** EIP-1559, 4895, 4844, 4788 and 7685 each appended fields to the original 15. */
const PRAGUE_FIELDS = 21;

/** Throws `BAD_RLP`. */
export function headerFields(rlp: Uint8Array): HeaderFields {
  const items = readList(rlp, 'header', MAX_HEADER_BYTES, PRAGUE_FIELDS);
  const hash = (index: number, what: string) => readBytes(items[index], what, 32);
  return {
    hash: keccak256(rlp),
    parentHash: hash(0, 'parent hash'),
    coinbase: readBytes(items[2], 'coinbase', 20),
    stateRoot: hash(3, 'state root'),
    transactionsRoot: hash(4, 'transactions root'),
    receiptsRoot: hash(5, 'receipts root'),
    number: readUint(items[8], 'number'),
    gasLimit: readBigInt(items[9], 'gas limit'),
    gasUsed: readBigInt(items[10], 'gas used'),
    timestamp: readUint(items[11], 'timestamp'),
    extraData: hash(12, 'extraData'),
    mixHash: hash(13, 'mixHash'),
    baseFeePerGas: readBigInt(items[15], 'base fee'),
  };
}
