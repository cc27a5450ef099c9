/** A market whose transactions the wallet signs. */
import type { Hex } from '../../core/index.ts';
import type { Market } from '../../market/index.ts';
import { openMarket, transport } from '../node/node.ts';
import { createWalletSender, type WalletSenderOptions } from './sender.ts';

export async function openWalletMarket(
  account: Hex,
  told: Omit<WalletSenderOptions, 'transport' | 'account'> = {},
): Promise<Market> {
  const { bindMarket } = await import('../node/market.ts');
  const { contracts } = await openMarket();
  const sender = createWalletSender({ transport, account, ...told });
  return bindMarket({ rpc: transport, contracts, ...(told.signal && { signal: told.signal }) }, sender);
}
