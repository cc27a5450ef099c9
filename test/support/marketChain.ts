/** A solo chain with its HTTP RPC and short delays, and markets opened for its funded accounts. */

import { createRpcServer } from '../../chain/index.ts';
import { quickCourtParameters } from '../../contracts/deploy.ts';
import { fromHex, type Hex, silentLog } from '../../core/index.ts';
import { createMarket, httpTransport, type Market, type MarketContracts } from '../../market/index.ts';
import { type SoloChain, type SoloChainOptions, startSoloChain } from './soloChain.ts';

export interface MarketChain {
  chain: SoloChain;
  rpcUrl: string;
  contracts: MarketContracts;
  /** Market of account `index`, or a read-only one. */
  marketOf(index?: number): Market;
  privateKeyOf(index: number): Uint8Array;
  stop(): Promise<void>;
}

export interface MarketChainOptions {
  accounts?: number;
  mining?: 'instant' | 'manual' | number;
  /** Blocks at `/ipfs/<cid>`. */
  content?: (cid: string) => Promise<Uint8Array | undefined>;
  balances?: Readonly<Record<Hex, bigint>>;
  /** Blocks from draw to draw. A job settles the draws' delay and two of these after its last trace at the earliest. */
  workInterval?: number;
  /** Terms of the court other than short ones. */
  court?: NonNullable<SoloChainOptions['spec']>['court'];
  /** What the next block carries; nothing when absent. */
  carry?: SoloChainOptions['carry'];
}

export const TRAIN = 10n ** 18n;

export async function startMarketChain(options: MarketChainOptions = {}): Promise<MarketChain> {
  const { accounts = 12, mining = 'instant', content, balances, carry } = options;
  const work = { everyBlocks: options.workInterval ?? 4 };
  const spec = {
    jobs: { drawDelayBlocks: 2 },
    court: options.court ?? quickCourtParameters,
    work,
    ...(balances && { balances }),
  };
  const chain = await startSoloChain({ accounts, mining, spec, ...(carry && { carry }) });
  const rpc = createRpcServer({
    application: chain.application,
    log: silentLog,
    port: 0,
    ...(content && { content }),
  });
  await rpc.start();
  const contracts = chain.spec.contracts as MarketContracts;
  const privateKeyOf = (index: number): Uint8Array => fromHex(chain.accounts[index]!.privateKey);
  return {
    chain,
    rpcUrl: rpc.url,
    contracts,
    privateKeyOf,
    marketOf: (index) =>
      createMarket({
        // A machine under load may take its time; nothing here is a measurement.
        rpc: httpTransport(rpc.url, { timeoutMs: 180_000 }),
        contracts,
        pollMs: 20,
        attempts: 3,
        ...(index !== undefined && { signer: privateKeyOf(index) }),
      }),
    async stop() {
      await rpc.stop();
      await chain.stop();
    },
  };
}
