/** `web3_`, `net_`, and what `eth_` says of the node itself. */
import { toHex } from '../../../core/index.ts';
import { fastKeccak } from '../../execution/index.ts';
import { quantity } from '../format.ts';
import { readData } from '../params.ts';
import type { MethodGroup } from '../types.ts';

export const nodeMethods: MethodGroup = ({ application, status }) => {
  const { chainId } = application.spec;
  return {
    web3_clientVersion: () => `fedai/0.1.0/${process.platform}-${process.arch}/node${process.versions.node}`,
    web3_sha3: ([data]) => toHex(fastKeccak(readData(data, 'data'))),
    net_version: () => chainId.toString(),
    net_listening: () => true,
    net_peerCount: async () => quantity(peersOf(await status())),
    eth_chainId: () => quantity(chainId),
    eth_blockNumber: () => quantity(application.head.height),
    eth_syncing: async () => syncingOf(await status(), application.head.height),
    // Keys live in wallets, never in a chain node.
    eth_accounts: () => [],
    eth_mining: () => false,
    txpool_status: () => ({ pending: quantity(application.pool.count), queued: '0x0' }),
  };
};

function peersOf(status: object): number {
  return 'peers' in status && typeof status.peers === 'number' ? status.peers : 0;
}

/** False, or where the node stands: `startingBlock` is where this catch-up began. */
function syncingOf(status: object, height: number): object | false {
  if (!('syncing' in status) || status.syncing !== true || !('bestKnownHeight' in status)) return false;
  return {
    startingBlock: quantity(Number('startingHeight' in status ? status.startingHeight : 0)),
    currentBlock: quantity(height),
    highestBlock: quantity(Number(status.bestKnownHeight)),
  };
}
