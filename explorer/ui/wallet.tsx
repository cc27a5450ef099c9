/** Connects a wallet, shows who is connected with how much, and brings it to this chain. */
import { useEffect, useState } from 'preact/hooks';
import { ask, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { type FoundWallet, wallets } from '../wallet/provider.ts';
import { connect, disconnect, startWallet, switchChain, wallet } from '../wallet/wallet.ts';
import { Failure } from './parts.tsx';
import { Account, Amount } from './values.tsx';

export function WalletBox() {
  const { account, chainId, wallet: one } = useStore(wallet, (state) => state);
  const found = useStore(wallets, (state) => state.found);
  const chain = useStore(node, ({ status }) => status?.chainId);
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  useEffect(startWallet, []);
  const run = (work: Promise<void>): void => {
    setError(undefined);
    setBusy(true);
    void work.then(undefined, setError).finally(() => setBusy(false));
  };
  const isWrong = account !== undefined && chain !== undefined && chainId !== chain;
  return (
    <div class="wallet">
      {account === undefined ? (
        <Choice found={found} isBusy={isBusy} onChoose={(choice) => run(connect(choice))} />
      ) : (
        <Connected account={account} name={one?.name ?? ''} />
      )}
      {isWrong && (
        <div class="wallet-wrong" role="alert">
          <p>
            The wallet is on chain {chainId}; this page shows chain {chain}.
          </p>
          <button type="button" onClick={() => run(switchChain())} disabled={isBusy}>
            Switch the wallet to this chain
          </button>
        </div>
      )}
      {error !== undefined && <Failure error={error} />}
    </div>
  );
}

interface ChoiceProps {
  found: readonly FoundWallet[];
  isBusy: boolean;
  onChoose: (wallet: FoundWallet) => void;
}

function Choice({ found, isBusy, onChoose }: ChoiceProps) {
  if (found.length === 0)
    return (
      <p class="quiet">
        No wallet in this browser. Install one that speaks to web pages (EIP-1193), then reload; or use{' '}
        <code>fedai</code> on the command line.
      </p>
    );
  return (
    <div class="wallet-choice">
      {found.map((one) => (
        <button key={one.id} type="button" class="primary" disabled={isBusy} onClick={() => onChoose(one)}>
          Connect {one.name}
        </button>
      ))}
      {isBusy && <span class="quiet">The wallet asks you.</span>}
    </div>
  );
}

function Connected({ account, name }: { account: string; name: string }) {
  const balance = useQuery(`balance ${account}`, () => ask.balance(account as `0x${string}`), { live: true });
  return (
    <div class="wallet-is">
      <Account address={account} />
      {balance.data !== undefined && <Amount wei={balance.data} places={2} />}
      <button type="button" class="plain" onClick={disconnect} title={`Disconnect ${name}`}>
        Disconnect
      </button>
    </div>
  );
}
