/** Workers and evaluators: what they did, what they earned, what they lost. */

import type { Person } from '../data/account.ts';
import { readPeople, readSlashes } from '../data/people.ts';
import { rolesOf } from '../decode/summary.tsx';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber } from '../ui/format.ts';
import { Card, Empty, Loaded, PageHead, Table } from '../ui/parts.tsx';
import { Account, Amount, Hash, Height } from '../ui/values.tsx';

export function PeoplePage() {
  const people = useQuery('people', readPeople, { live: true });
  const slashes = useQuery('slashes', readSlashes, { live: true });
  return (
    <>
      <PageHead title="People" kind="Market">
        <p class="lead">Who trains and who scores, with what at stake.</p>
      </PageHead>
      <Loaded query={people} rows={8}>
        {(all) => (
          <>
            <PeopleCard title="Workers" people={all.filter(({ roles }) => (roles & 1) !== 0)} />
            <PeopleCard title="Evaluators" people={all.filter(({ roles }) => (roles & 2) !== 0)} />
          </>
        )}
      </Loaded>
      <Card title="Slashes">
        <Loaded query={slashes} rows={2}>
          {(rows) =>
            rows.length === 0 ? (
              <Empty>Nobody lost stake.</Empty>
            ) : (
              <Table caption="Slashes" head={['#Block', 'Account', '#Lost', 'Why', 'Transaction']}>
                {rows.map((slash) => (
                  <tr key={`${slash.transactionHash}.${slash.account}`}>
                    <td class="right">
                      <Height height={slash.height} />
                    </td>
                    <td>
                      <Account address={slash.account} />
                    </td>
                    <td class="right">
                      <Amount wei={slash.amount} />
                    </td>
                    <td>{slash.reason.slice(0, 40)}</td>
                    <td>
                      <Hash value={slash.transactionHash} to={`/tx/${slash.transactionHash}`} />
                    </td>
                  </tr>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}

function PeopleCard({ title, people }: { title: string; people: readonly Person[] }) {
  const sorted = [...people].sort((a, b) => (a.earned < b.earned ? 1 : -1));
  return (
    <Card title={`${title} (${people.length})`}>
      {people.length === 0 ? (
        <Empty>
          Nobody yet. <code>fedai {title.toLowerCase().slice(0, -1)} run</code> joins.
        </Empty>
      ) : (
        <Table
          caption={title}
          head={[
            'Account',
            'Roles',
            '#Stake',
            '#Free',
            '#Earned',
            '#Jobs',
            '#Rounds',
            '#Scores agreed',
            '#Slashes',
          ]}
        >
          {sorted.map((person) => (
            <tr key={person.address}>
              <td>
                <Account address={person.address} />
              </td>
              <td>{rolesOf(person.roles)}</td>
              <td class="right">
                <Amount wei={person.stake} places={2} />
              </td>
              <td class="right">
                <Amount wei={person.free} places={2} />
              </td>
              <td class="right">
                <Amount wei={person.earned} places={2} />
              </td>
              <td class="right">{formatNumber(person.reputation.jobs)}</td>
              <td class="right">{formatNumber(person.reputation.rounds)}</td>
              <td class="right">
                {person.reputation.scoresAgreed}
                {person.reputation.scoresFailed > 0 &&
                  ` of ${person.reputation.scoresAgreed + person.reputation.scoresFailed}`}
              </td>
              <td class="right">{formatNumber(person.reputation.slashes)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
