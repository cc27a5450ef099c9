/** How single values look everywhere: accounts, hashes, amounts, times. */
import { useEffect, useState } from 'preact/hooks';
import { node } from '../node/node.ts';
import { createStore, useStore } from '../node/store.ts';
import { absoluteTime, ago, exactTrain, formatTrain, shortHex } from './format.ts';
import { Identicon } from './identicon.tsx';
import { Link } from './link.tsx';

export function Copy({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1_500);
      },
      () => {},
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy ${what}`} title={`Copy ${what}`}>
      <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
        {isCopied ? <path d="m3 8.5 3.5 3.5L13 5" /> : <path d="M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z" />}
      </svg>
      <span class="unseen" role="status">
        {isCopied ? 'Copied' : ''}
      </span>
    </button>
  );
}

export function Hash({ value, to, full = false, what = 'hash' }: HashProps) {
  const shown = full ? value : shortHex(value, 6);
  const text = <span class={full ? 'mono whole' : 'mono'}>{shown}</span>;
  return (
    <span class="value">
      {to === undefined ? (
        <span title={value}>{text}</span>
      ) : (
        <Link to={to} title={value}>
          {text}
        </Link>
      )}
      <Copy text={value} what={what} />
    </span>
  );
}

interface HashProps {
  value: string;
  to?: string;
  full?: boolean;
  what?: string;
}

/** Names of what the chain spec puts at fixed addresses. */
const CONTRACT_NAMES: Readonly<Record<string, string>> = {
  jobManager: 'JobManager',
  staking: 'Staking',
  workerRegistry: 'WorkerRegistry',
  governor: 'Governor',
  timelock: 'Timelock',
  beaconHistory: 'BeaconHistory',
  usefulWork: 'UsefulWork',
  trainingCourt: 'TrainingCourt',
};

export function contractName(
  contracts: Readonly<Record<string, string | null>> | undefined,
  address: string,
): string | undefined {
  const wanted = address.toLowerCase();
  const key = Object.keys(contracts ?? {}).find((one) => contracts?.[one]?.toLowerCase() === wanted);
  return key === undefined ? undefined : (CONTRACT_NAMES[key] ?? key);
}

export function Account({ address, full = false }: { address: string; full?: boolean }) {
  const contracts = useStore(node, ({ status }) => status?.contracts);
  const name = contractName(contracts, address);
  const lower = address.toLowerCase();
  return (
    <span class="value">
      <Link to={`/account/${lower}`} title={lower} class="account">
        <Identicon address={lower} />
        {name === undefined ? (
          <span class={full ? 'mono whole' : 'mono'}>{full ? lower : shortHex(lower)}</span>
        ) : (
          <span>{name}</span>
        )}
      </Link>
      <Copy text={lower} what="address" />
    </span>
  );
}

export function Amount({ wei, places = 4 }: { wei: bigint; places?: number }) {
  return (
    <span class="amount" title={exactTrain(wei)}>
      {formatTrain(wei, places)} <span class="unit">TRAIN</span>
    </span>
  );
}

const clock = createStore({ now: Date.now() / 1_000 });
setInterval(() => clock.set({ now: Date.now() / 1_000 }), 1_000);

/** How long ago; the time itself on demand. */
export function Time({ at }: { at: number }) {
  const text = useStore(clock, ({ now }) => ago(now - at));
  return (
    <time dateTime={new Date(at * 1_000).toISOString()} title={absoluteTime(at)}>
      {text}
    </time>
  );
}

export function Height({ height }: { height: number }) {
  return (
    <Link to={`/block/${height}`} class="number">
      {height}
    </Link>
  );
}

export function JobLink({ id }: { id: bigint | string }) {
  return <Link to={`/job/${id}`}>job {id.toString()}</Link>;
}

/** Runs `step` while the component is shown. */
export function useInterval(step: () => void, ms: number): void {
  useEffect(() => {
    const timer = setInterval(step, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
