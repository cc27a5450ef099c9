/** Reading blocks. A block that does not exist is null, as everywhere on Ethereum. */
import { toHex } from '../../../core/index.ts';
import type { ChainApplication } from '../../application.ts';
import { decodeTransaction } from '../../execution/index.ts';
import { formatBlock, formatTransaction, quantity } from '../format.ts';
import { readHash, readHeight } from '../params.ts';
import type { MethodGroup } from '../types.ts';
import { proofsOf } from '../useful-work.ts';

export const blockMethods: MethodGroup = ({ application }) => {
  const { store } = application;
  const byHash = (hash: unknown): number | undefined => store.heightOf(readHash(hash));
  const count = (height: number | undefined) => {
    const block = height === undefined ? undefined : store.block(height);
    return block === undefined ? null : quantity(block.transactions.length);
  };
  const noUncles = (height: number | undefined) =>
    height === undefined || height > store.height ? null : '0x0';
  return {
    eth_getBlockByNumber: ([tag, full]) => blockAt(application, readHeight(application, tag), full === true),
    eth_getBlockByHash: ([hash, full]) => blockAt(application, byHash(hash), full === true),
    eth_getBlockTransactionCountByNumber: ([tag]) => count(readHeight(application, tag)),
    eth_getBlockTransactionCountByHash: ([hash]) => count(byHash(hash)),
    eth_getUncleCountByBlockNumber: ([tag]) => noUncles(readHeight(application, tag)),
    eth_getUncleCountByBlockHash: ([hash]) => noUncles(byHash(hash)),
    eth_getUncleByBlockNumberAndIndex: () => null,
    eth_getUncleByBlockHashAndIndex: () => null,
  };
};

function blockAt(application: ChainApplication, height: number | undefined, full: boolean) {
  const { store, common } = application;
  const block = height === undefined ? undefined : store.block(height);
  if (block === undefined) return null;
  const blockHash = toHex(block.header.hash());
  const transactions = block.transactions.map((raw, index) => {
    const tx = decodeTransaction(raw, common);
    if (!full) return toHex(tx.hash());
    return formatTransaction(tx, { blockHash, height: height!, index }, block.header.baseFeePerGas!);
  });
  const size = store.encodedBlock(height!)!.length;
  return formatBlock(block, transactions, size, proofsOf(application, block));
}
