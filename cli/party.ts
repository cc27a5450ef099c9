/** Opens what a party works with: its keys, the market under them, its peer on the network. */
import { join } from 'node:path';
import type { Metrics } from '../core/index.ts';
import type { Market } from '../market/index.ts';
import type { Peer } from '../storage/index.ts';
import type { Context } from './action.ts';
import { type ChainFile, readChainFile } from './chainFile.ts';
import { type KeyPurpose, openKeys } from './keyFiles.ts';
import type { ChainAccess, ContentAccess, PartyAccess, PeerAccess } from './options.ts';
import { readPassword } from './password.ts';

/** Content store of a party, under its data directory. */
export const STORE_FOLDER = 'store';

/** Calls of a command that is waited for give up after this many attempts; daemons never do. */
const COMMAND_ATTEMPTS = 3;

export async function unlock<P extends KeyPurpose>(
  options: PartyAccess,
  purposes: readonly P[],
  signal?: AbortSignal,
): Promise<Record<P, Uint8Array>> {
  return openKeys(options.dataDir, await readPassword(options.passwordFile), purposes, signal);
}

/** A market for a command (`patient`: for a daemon, which waits until the RPC is back). */
export async function openMarket(
  { output, signal }: Context,
  options: ChainAccess,
  { signer, patient = false }: { signer?: Uint8Array; patient?: boolean } = {},
): Promise<{ market: Market; chain: ChainFile }> {
  const chain = await readChainFile(options.chainSpec);
  const { createMarket } = await import('../market/index.ts');
  const market = createMarket({
    rpc: options.rpc,
    contracts: chain.contracts,
    log: output.log,
    signal,
    ...(signer && { signer }),
    ...(!patient && { attempts: COMMAND_ATTEMPTS }),
  });
  return { market, chain };
}

export async function openPeer(
  { output, fail }: Context,
  options: PartyAccess & PeerAccess & ContentAccess,
  input: { peerPrivateKey: Uint8Array; bootstrap: readonly string[]; metrics?: Metrics },
): Promise<Peer> {
  const { createPeer } = await import('../storage/index.ts');
  return createPeer({
    dataDir: join(options.dataDir, STORE_FOLDER),
    peerPrivateKey: input.peerPrivateKey,
    listen: [options.listen],
    bootstrap: options.bootstrap ?? input.bootstrap,
    log: output.log,
    ...(options.ipfs !== undefined && { kubo: options.ipfs }),
    ...(input.metrics && { metrics: input.metrics }),
    onFault: fail,
  });
}
