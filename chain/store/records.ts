/** Disk form of receipts and of where a transaction lies. */
import { decode, encode } from '@ethereumjs/rlp';
import { bytesToBigInt } from '../../core/index.ts';
import { bloomOf, type Log, type Receipt } from '../execution/index.ts';

const NOTHING = new Uint8Array(0);
type RawLog = [Uint8Array, Uint8Array[], Uint8Array];
type RawReceipt = [
  type: Uint8Array,
  succeeded: Uint8Array,
  from: Uint8Array,
  to: Uint8Array,
  contractAddress: Uint8Array,
  gasUsed: Uint8Array,
  effectiveGasPrice: Uint8Array,
  logs: RawLog[],
];

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

export function decodeReceipts(bytes: Uint8Array): Receipt[] {
  let cumulativeGasUsed = 0n;
  return (decode(bytes) as unknown as RawReceipt[]).map((raw) => {
    const [type, succeeded, from, to, contractAddress, gas, price, rawLogs] = raw;
    const gasUsed = bytesToBigInt(gas);
    cumulativeGasUsed += gasUsed;
    const logs: Log[] = rawLogs.map(([address, topics, data]) => ({ address, topics, data }));
    return {
      type: type[0] ?? 0,
      succeeded: succeeded.length > 0,
      from,
      to: to.length === 0 ? null : to,
      contractAddress: contractAddress.length === 0 ? null : contractAddress,
      gasUsed,
      cumulativeGasUsed,
      effectiveGasPrice: bytesToBigInt(price),
      bloom: bloomOf(logs),
      logs,
    };
  });
}

export interface TransactionPlace {
  readonly height: number;
  readonly index: number;
}

export const encodePlace = (place: TransactionPlace): Uint8Array => encode([place.height, place.index]);

export function decodePlace(bytes: Uint8Array): TransactionPlace {
  const [height, index] = decode(bytes) as Uint8Array[];
  return { height: Number(bytesToBigInt(height!)), index: Number(bytesToBigInt(index!)) };
}
