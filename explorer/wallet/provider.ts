/** Wallets that the browser has put into this page: announced as EIP-6963 says, or the older `window.ethereum`. */
import { createStore } from '../node/store.ts';

/** EIP-1193. */
export interface Provider {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
  removeListener?(event: string, listener: (value: unknown) => void): void;
}

export interface FoundWallet {
  id: string;
  name: string;
  provider: Provider;
}

const MAX_WALLETS = 16;

export const wallets = createStore<{ found: readonly FoundWallet[] }>({ found: [] });

function add(wallet: FoundWallet): void {
  const { found } = wallets.get();
  if (found.length >= MAX_WALLETS || found.some(({ id }) => id === wallet.id)) return;
  wallets.set({ found: [...found, wallet] });
}

const isProvider = (value: unknown): value is Provider =>
  typeof value === 'object' && value !== null && typeof (value as Provider).request === 'function';

interface Announced {
  info?: { uuid?: unknown; name?: unknown };
  provider?: unknown;
}

let started = false;

/** Asks who is there; answers may come at any time. */
export function findWallets(): void {
  if (started) return;
  started = true;
  addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = ((event as CustomEvent<Announced>).detail ?? {}) as Announced;
    if (!isProvider(provider)) return;
    add({ id: String(info?.uuid ?? ''), name: String(info?.name ?? 'Wallet').slice(0, 40), provider });
  });
  dispatchEvent(new Event('eip6963:requestProvider'));
  const older = (globalThis as { ethereum?: unknown }).ethereum;
  // What announces itself is mostly there under the old name too.
  if (isProvider(older) && wallets.get().found.length === 0)
    add({ id: 'window.ethereum', name: 'Browser wallet', provider: older });
}
