/** Sending transactions, and finding them and their receipts. */
import { type Hex, toHex } from '../../../core/index.ts';
import type { ChainApplication } from '../../application.ts';
import { decodeTransaction } from '../../execution/index.ts';
import type { Block } from '../../types.ts';
import { formatReceipt, formatTransaction } from '../format.ts';
import { readData, readHash, readHeight, readQuantity } from '../params.ts';
import type { MethodGroup } from '../types.ts';

export const transactionMethods: MethodGroup = ({ application }) => {
  const { store, pool } = application;
  const heightByHash = (hash: unknown) => store.heightOf(readHash(hash));
  return {
    eth_sendRawTransaction: async ([raw]) => (await pool.add(readData(raw, 'transaction'))).hash,
    eth_getTransactionByHash: ([hash]) => {
      const wanted = readHash(hash);
      const place = store.placeOf(wanted);
      if (place !== undefined) return transactionAt(application, place.height, place.index);
      const waiting = pool.get(toHex(wanted));
      return waiting === undefined ? null : formatTransaction(waiting.tx);
    },
    eth_getRawTransactionByHash: ([hash]) => {
      const place = store.placeOf(readHash(hash));
      return place === undefined ? null : toHex(store.block(place.height)!.transactions[place.index]!);
    },
    eth_getTransactionByBlockNumberAndIndex: ([tag, index]) =>
      transactionAt(application, readHeight(application, tag), Number(readQuantity(index, 'index'))),
    eth_getTransactionByBlockHashAndIndex: ([hash, index]) =>
      transactionAt(application, heightByHash(hash), Number(readQuantity(index, 'index'))),
    eth_getTransactionReceipt: ([hash]) => {
      const place = store.placeOf(readHash(hash));
      return place === undefined ? null : receiptsAt(application, place.height)![place.index];
    },
    eth_getBlockReceipts: ([tag]) => receiptsAt(application, readHeight(application, tag)),
  };
};

function transactionAt(application: ChainApplication, height: number | undefined, index: number) {
  const block = height === undefined ? undefined : application.store.block(height);
  const raw = block?.transactions[index];
  if (block === undefined || raw === undefined) return null;
  const place = { blockHash: toHex(block.header.hash()), height: height!, index };
  return formatTransaction(decodeTransaction(raw, application.common), place, block.header.baseFeePerGas!);
}

function receiptsAt(application: ChainApplication, height: number) {
  const block = application.store.block(height);
  const receipts = application.store.receipts(height);
  if (block === undefined || receipts === undefined) return null;
  const blockHash = toHex(block.header.hash());
  const hashes = transactionHashes(application, block);
  let firstLog = 0;
  return receipts.map((receipt, index) => {
    const place = { blockHash, height, index };
    const formatted = formatReceipt(receipt, hashes[index]!, place, firstLog, block.header.timestamp);
    firstLog += receipt.logs.length;
    return formatted;
  });
}

export function transactionHashes(application: ChainApplication, block: Block): Hex[] {
  return block.transactions.map((raw) => toHex(decodeTransaction(raw, application.common).hash()));
}
