/** The wallet that this page is connected to: its account and chain. Owns no keys and asks for nothing unasked. */
import { FedaiError, type Hex } from '../../core/index.ts';
import { chainStatus } from '../node/node.ts';
import { createStore } from '../node/store.ts';
import { type FoundWallet, findWallets, type Provider, wallets } from './provider.ts';

export interface WalletState {
  wallet: FoundWallet | undefined;
  /** Lower-case hex; undefined while it is not connected. */
  account: Hex | undefined;
  chainId: number | undefined;
}

const NONE: WalletState = { wallet: undefined, account: undefined, chainId: undefined };
const KEPT = 'wallet';
const ADDRESS = /^0x[0-9a-f]{40}$/i;

export const wallet = createStore<WalletState>(NONE);

/** Codes of EIP-1193 and of wallets. */
const [REJECTED, UNKNOWN_CHAIN, BUSY] = [4001, 4902, -32002];

const codeOf = (fault: unknown): unknown => (fault as { code?: unknown } | null)?.code;

/** A wallet's refusal in words that say what to do. */
export function walletFault(fault: unknown): unknown {
  if (fault instanceof FedaiError) return fault;
  const code = codeOf(fault);
  const words = String((fault as { message?: unknown } | null)?.message ?? fault).slice(0, 300);
  if (code === REJECTED || code === 'ACTION_REJECTED')
    return new FedaiError(
      'REJECTED',
      'you declined in the wallet',
      {},
      {
        cause: fault,
        remedy: 'Nothing was sent. Go on when you are ready.',
      },
    );
  if (code === BUSY)
    return new FedaiError(
      'WALLET_BUSY',
      'the wallet waits for an answer to an earlier question',
      {},
      {
        cause: fault,
        remedy: 'Open the wallet and answer it.',
      },
    );
  return new FedaiError('WALLET_FAILED', `the wallet says: ${words}`, { code }, { cause: fault });
}

const accountOf = (accounts: unknown): Hex | undefined => {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  return typeof first === 'string' && ADDRESS.test(first) ? (first.toLowerCase() as Hex) : undefined;
};

/** Throws what the wallet says, in our words. */
export async function askWallet(
  provider: Provider,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  try {
    return await provider.request({ method, params });
  } catch (fault) {
    throw walletFault(fault);
  }
}

const followed = new WeakSet<Provider>();

function follow(one: FoundWallet): void {
  if (followed.has(one.provider)) return;
  followed.add(one.provider);
  const isOurs = (): boolean => wallet.get().wallet === one;
  one.provider.on?.('accountsChanged', (accounts) => {
    if (isOurs()) wallet.set({ account: accountOf(accounts) });
  });
  one.provider.on?.('chainChanged', (chainId) => {
    if (isOurs()) wallet.set({ chainId: Number(chainId) });
  });
}

async function take(one: FoundWallet, method: 'eth_accounts' | 'eth_requestAccounts'): Promise<void> {
  const account = accountOf(await askWallet(one.provider, method));
  if (account === undefined) return;
  const chainId = Number(await askWallet(one.provider, 'eth_chainId'));
  follow(one);
  localStorage.setItem(KEPT, one.id);
  wallet.set({ wallet: one, account, chainId });
}

export const connect = (one: FoundWallet): Promise<void> => take(one, 'eth_requestAccounts');

export function disconnect(): void {
  localStorage.removeItem(KEPT);
  wallet.set(NONE);
}

let started = false;

/** Finds wallets, and takes up the one that was connected before if it still lets us. */
export function startWallet(): void {
  if (started) return;
  started = true;
  const again = ({ found }: { found: readonly FoundWallet[] }): void => {
    const before = found.find(({ id }) => id === localStorage.getItem(KEPT));
    if (before !== undefined && wallet.get().wallet === undefined)
      void take(before, 'eth_accounts').catch(() => {});
  };
  wallets.watch(again);
  findWallets();
  again(wallets.get());
}

const hexOf = (value: number): string => `0x${value.toString(16)}`;

/** Brings the wallet to this page's chain, which it is told of if it does not know it. */
export async function switchChain(): Promise<void> {
  const { wallet: one } = wallet.get();
  if (one === undefined) throw notConnected();
  const { chainId, name } = await chainStatus();
  try {
    await one.provider.request({
      method: 'wallet_switchEthereumChain',
      params: [{ chainId: hexOf(chainId) }],
    });
  } catch (fault) {
    const inner = (fault as { data?: { originalError?: unknown } } | null)?.data?.originalError;
    if (codeOf(fault) !== UNKNOWN_CHAIN && codeOf(inner) !== UNKNOWN_CHAIN) throw walletFault(fault);
    await askWallet(one.provider, 'wallet_addEthereumChain', [
      {
        chainId: hexOf(chainId),
        chainName: name,
        nativeCurrency: { name: 'TRAIN', symbol: 'TRAIN', decimals: 18 },
        rpcUrls: [location.origin],
        blockExplorerUrls: [`${location.origin}/explorer`],
      },
    ]);
  }
  wallet.set({ chainId: Number(await askWallet(one.provider, 'eth_chainId')) });
}

export const notConnected = (): FedaiError =>
  new FedaiError('NO_WALLET', 'no wallet is connected', {}, { remedy: 'Connect one above.' });

/** The wallet, its account, and that it is on this page's chain. Throws `NO_WALLET`, `WRONG_CHAIN` or what the wallet says. */
export async function readyWallet(): Promise<{ provider: Provider; account: Hex }> {
  const { wallet: one, account } = wallet.get();
  if (one === undefined || account === undefined) throw notConnected();
  const expected = (await chainStatus()).chainId;
  if (Number(await askWallet(one.provider, 'eth_chainId')) !== expected) await switchChain();
  const got = Number(await askWallet(one.provider, 'eth_chainId'));
  if (got === expected) return { provider: one.provider, account };
  throw new FedaiError(
    'WRONG_CHAIN',
    `the wallet is on chain ${got}, this page shows chain ${expected}`,
    { got, expected },
    { remedy: 'Choose this chain in the wallet.' },
  );
}
