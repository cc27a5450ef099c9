/** Disk form of receipts and of where a transaction lies. */
import { encode } from '@ethereumjs/rlp';
import { type RlpItem, readBigInt, readBytes, readItems, readList, readUint } from '../../light/index.ts';
import { bloomOf, type Log, type Receipt } from '../execution/index.ts';

const NOTHING = new Uint8Array(0);
const MAX_PLACE_BYTES = 32;

export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return encode(
    receipts.map((receipt) => [
      receipt.type,
      receipt.succeeded ? 1 : 0,
      receipt.from,
      receipt.to ?? NOTHING,
      receipt.contractAddress ?? NOTHING,
      receipt.gasUsed,
      receipt.effectiveGasPrice,
      receipt.logs.map((log) => [log.address, [...log.topics], log.data]),
    ]),
  );
}

/** Throws `BAD_RLP`. */
export function decodeReceipts(bytes: Uint8Array): Receipt[] {
  let cumulativeGasUsed = 0n;
  return readList(bytes, 'receipts', bytes.length).map((item) => {
    const fields = readItems(item, 'receipt', 8);
    const gasUsed = readBigInt(fields[5], 'gas used', 8);
    cumulativeGasUsed += gasUsed;
    const logs = readItems(fields[7], 'logs').map(logOf);
    return {
      type: readUint(fields[0], 'type', 0x7f),
      succeeded: readUint(fields[1], 'success', 1) === 1,
      from: readBytes(fields[2], 'from', 20),
      to: optional(readBytes(fields[3], 'to', 0, 20)),
      contractAddress: optional(readBytes(fields[4], 'contract address', 0, 20)),
      gasUsed,
      cumulativeGasUsed,
      effectiveGasPrice: readBigInt(fields[6], 'price of gas'),
      bloom: bloomOf(logs),
      logs,
    };
  });
}

const optional = (bytes: Uint8Array): Uint8Array | null => (bytes.length === 0 ? null : bytes);

function logOf(item: RlpItem): Log {
  const [address, topics, data] = readItems(item, 'log', 3);
  return {
    address: readBytes(address, 'address of a log', 20),
    topics: readItems(topics, 'topics').map((topic) => readBytes(topic, 'topic', 32)),
    data: readBytes(data, 'data of a log'),
  };
}

export interface TransactionPlace {
  readonly height: number;
  readonly index: number;
}

export const encodePlace = (place: TransactionPlace): Uint8Array => encode([place.height, place.index]);

/** Throws `BAD_RLP`. */
export function decodePlace(bytes: Uint8Array): TransactionPlace {
  const [height, index] = readList(bytes, 'place of a transaction', MAX_PLACE_BYTES, 2);
  return { height: readUint(height, 'height'), index: readUint(index, 'index') };
}
