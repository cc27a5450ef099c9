/** One transaction: what it did in plain words, what it called, what came of it. */
import type { Hex } from '../../core/index.ts';
import { readCall, readLog } from '../decode/abis.ts';
import { summaryOf } from '../decode/summary.tsx';
import { ask, chainStatus } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import type { Block, Log, Receipt, Transaction } from '../rpc/shapes.ts';
import { Arguments, argumentsOf } from '../ui/arguments.tsx';
import { absoluteTime, formatGwei, formatNumber, formatPercent } from '../ui/format.ts';
import { Card, Empty, Facts, Loaded, PageHead, Tag } from '../ui/parts.tsx';
import { Account, Amount, Hash, Height, Time } from '../ui/values.tsx';

type Contracts = Readonly<Record<string, string | null>>;

interface TransactionView {
  transaction: Transaction;
  receipt: Receipt | null;
  block: Block | null;
  contracts: Contracts;
}

async function loadTransaction(hash: string): Promise<TransactionView | null> {
  const transaction = await ask.transaction(hash as Hex);
  if (transaction === null) return null;
  const [receipt, block, { contracts }] = await Promise.all([
    ask.receipt(hash as Hex),
    transaction.blockNumber === null ? null : ask.block(transaction.blockNumber),
    chainStatus(),
  ]);
  return { transaction, receipt, block, contracts };
}

export function TransactionPage({ hash }: { hash: string }) {
  const query = useQuery(`tx ${hash}`, () => loadTransaction(hash), { live: true });
  return (
    <>
      <PageHead title="Transaction" kind="Chain" />
      <Loaded query={query} rows={10}>
        {(view) =>
          view === null ? (
            <Card>
              <Empty>
                This node knows no transaction <code>{hash.slice(0, 80)}</code>. If it was sent just now, it
                may still be on its way.
              </Empty>
            </Card>
          ) : (
            <Contents view={view} />
          )
        }
      </Loaded>
    </>
  );
}

function Outcome({ receipt }: { receipt: Receipt | null }) {
  if (receipt === null) return <Tag tone="busy">waits for a block</Tag>;
  return receipt.status === 1 ? <Tag tone="good">done, final</Tag> : <Tag tone="bad">refused, final</Tag>;
}

function Contents({ view }: { view: TransactionView }) {
  const { transaction, receipt, block, contracts } = view;
  return (
    <>
      <p class="statement">
        <Account address={transaction.from} /> <span>{summaryOf(contracts, transaction)}</span>
        <Outcome receipt={receipt} />
      </p>
      <div class="columns even">
        <Card title="Facts">
          <TransactionFacts view={{ transaction, receipt, block, contracts }} />
        </Card>
        <Card title="Call">
          <CallFacts contracts={contracts} transaction={transaction} />
        </Card>
      </div>
      <Card title={`Events (${receipt?.logs.length ?? 0})`}>
        {receipt === null || receipt.logs.length === 0 ? (
          <Empty>It left no events.</Empty>
        ) : (
          <Events contracts={contracts} logs={receipt.logs} />
        )}
      </Card>
    </>
  );
}

function TransactionFacts({ view: { transaction, receipt, block } }: { view: TransactionView }) {
  return (
    <Facts
      rows={[
        ['Hash', <Hash key="v" value={transaction.hash} full what="transaction hash" />],
        transaction.blockNumber !== null && ['Block', <Height key="v" height={transaction.blockNumber} />],
        block !== null && [
          'Time',
          <span key="v">
            {absoluteTime(block.timestamp)}{' '}
            <span class="quiet">
              (<Time at={block.timestamp} />)
            </span>
          </span>,
        ],
        ['From', <Account key="v" address={transaction.from} />],
        transaction.to !== null && ['To', <Account key="v" address={transaction.to} />],
        receipt?.contractAddress != null && [
          'Created',
          <Account key="v" address={receipt.contractAddress} />,
        ],
        ['Value', <Amount key="v" wei={transaction.value} places={18} />],
        receipt !== null && [
          'Fee',
          <Amount key="v" wei={receipt.gasUsed * receipt.effectiveGasPrice} places={9} />,
        ],
        [
          'Gas',
          receipt === null
            ? `at most ${formatNumber(transaction.gas)}`
            : `${formatNumber(receipt.gasUsed)} of ${formatNumber(transaction.gas)} (${formatPercent(Number(receipt.gasUsed) / Number(transaction.gas), 0)})`,
        ],
        ['Gas price', formatGwei(receipt?.effectiveGasPrice ?? transaction.gasPrice)],
        ['Nonce', formatNumber(transaction.nonce)],
      ]}
    />
  );
}

/** Calldata beyond this is cut: it is a stranger's, and of any size. */
const MAX_SHOWN = 2_000;

function CallFacts({ contracts, transaction }: { contracts: Contracts; transaction: Transaction }) {
  const call = readCall(contracts, transaction);
  if (transaction.input === '0x') return <Empty>A plain transfer: nothing was called.</Empty>;
  return (
    <>
      {call !== undefined && (
        <>
          <p class="signature mono">{call.name}</p>
          <Arguments values={argumentsOf(call.fragment.inputs, call.args)} />
        </>
      )}
      <details>
        <summary>Calldata, {formatNumber((transaction.input.length - 2) / 2)} bytes</summary>
        <p class="mono bytes">
          {transaction.input.slice(0, MAX_SHOWN)}
          {transaction.input.length > MAX_SHOWN && '…'}
        </p>
      </details>
    </>
  );
}

export function Events({ contracts, logs }: { contracts: Contracts; logs: readonly Log[] }) {
  return (
    <ol class="events">
      {logs.map((log) => {
        const read = readLog(contracts, log);
        return (
          <li key={`${log.transactionHash}.${log.logIndex}`}>
            <p class="event-head">
              <span class="signature mono">{read?.name ?? 'Unknown event'}</span>{' '}
              <Account address={log.address} />
            </p>
            {read !== undefined ? (
              <Arguments values={argumentsOf(read.fragment.inputs, read.args)} />
            ) : (
              <p class="mono bytes">{log.data.slice(0, MAX_SHOWN)}</p>
            )}
          </li>
        );
      })}
    </ol>
  );
}
