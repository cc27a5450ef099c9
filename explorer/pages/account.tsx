/** One account: its purse, its work, its stake, and what has happened to it. */
import type { Hex } from '../../core/index.ts';
import { type AccountView, type Person, readAccount } from '../data/account.ts';
import { readLog } from '../decode/abis.ts';
import { rolesOf } from '../decode/summary.tsx';
import { chainStatus } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber } from '../ui/format.ts';
import { Identicon } from '../ui/identicon.tsx';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Facts, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { Amount, Copy, contractName, Hash, Height } from '../ui/values.tsx';

const ADDRESS_CHARS = 42;

export function AccountPage({ address }: { address: string }) {
  const isAddress = address.length === ADDRESS_CHARS;
  const query = useQuery(
    `account ${address}`,
    async () => ({
      view: await readAccount(address as Hex),
      contracts: (await chainStatus()).contracts,
    }),
    { live: true },
  );
  const name = query.data && contractName(query.data.contracts, address);
  if (!isAddress) {
    return (
      <>
        <PageHead title="Account" />
        <Card>
          <Empty>An account has 40 hexadecimal digits after 0x; this has {address.length - 2}.</Empty>
        </Card>
      </>
    );
  }
  return (
    <>
      <PageHead title={name ?? 'Account'} kind={name === undefined ? 'Person' : 'Contract'} />
      <p class="statement">
        <Identicon address={address} size={40} />
        <span class="mono whole">{address}</span>
        <Copy text={address} what="address" />
      </p>
      <Loaded query={query} rows={8}>
        {({ view, contracts }) => (
          <>
            <div class="columns even">
              <Card title="Purse">
                <Purse view={view} />
              </Card>
              {view.contract !== undefined ? (
                <Card title="Contract">
                  <p class="lead">
                    One of the contracts that the chain spec names. Its state can be{' '}
                    <Link to={`/contracts/${view.contract}`}>read here</Link>.
                  </p>
                </Card>
              ) : (
                <Card title="Work and stake">
                  {view.person === undefined || (view.person.roles === 0 && view.person.stake === 0n) ? (
                    <Empty>It neither works nor stakes.</Empty>
                  ) : (
                    <PersonFacts person={view.person} />
                  )}
                </Card>
              )}
            </div>
            <Card title="Events">
              <EventTable view={view} contracts={contracts} />
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}

function Purse({ view }: { view: AccountView }) {
  return (
    <Facts
      rows={[
        ['Balance', <Amount key="v" wei={view.balance} places={9} />],
        view.person !== undefined && [
          'To be withdrawn',
          <Amount key="v" wei={view.person.withdrawable} places={9} />,
        ],
        ['Transactions sent', formatNumber(view.nonce)],
        ['Kind', view.isContract ? 'contract' : 'account with a key'],
      ]}
    />
  );
}

function PersonFacts({ person }: { person: Person }) {
  const { reputation } = person;
  return (
    <Facts
      rows={[
        ['Roles', rolesOf(person.roles) || 'none'],
        ['Stake', <Amount key="v" wei={person.stake} />],
        ['Free stake', <Amount key="v" wei={person.free} />],
        ['Earned by jobs', <Amount key="v" wei={person.earned} />],
        ['Jobs served', formatNumber(reputation.jobs)],
        ['Training rounds', formatNumber(reputation.rounds)],
        ['Scores', `${reputation.scoresAgreed} agreed, ${reputation.scoresFailed} failed`],
        [
          'Slashed',
          reputation.slashes === 0 ? (
            'never'
          ) : (
            <span key="v">
              <Tag tone="bad">{reputation.slashes} times</Tag> <Amount wei={reputation.slashedWei} />
            </span>
          ),
        ],
      ]}
    />
  );
}

function EventTable({
  view,
  contracts,
}: {
  view: AccountView;
  contracts: Readonly<Record<string, string | null>>;
}) {
  if (view.logs.length === 0) return <Empty>No event names this account.</Empty>;
  return (
    <Table caption="Events that name the account" head={['#Block', 'Event', 'Contract', 'Transaction']}>
      {view.logs.map((log) => (
        <tr key={`${log.transactionHash}.${log.logIndex}`}>
          <td class="right">
            <Height height={log.blockNumber} />
          </td>
          <td>{readLog(contracts, log)?.name ?? 'unknown'}</td>
          <td>{contractName(contracts, log.address) ?? 'another contract'}</td>
          <td>
            <Hash value={log.transactionHash} to={`/tx/${log.transactionHash}`} what="transaction hash" />
          </td>
        </tr>
      ))}
    </Table>
  );
}
