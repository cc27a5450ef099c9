/** Workers and evaluators: what they did, what they earned, what they lost and why. */
import { useState } from 'preact/hooks';
import type { Person } from '../data/account.ts';
import { PEOPLE_PAGE, readPeople, readSlashes, type Slash } from '../data/people.ts';
import { rolesOf } from '../decode/summary.tsx';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber } from '../ui/format.ts';
import { Card, Empty, Loaded, PageHead, Table } from '../ui/parts.tsx';
import { Account, Amount, Hash, Height } from '../ui/values.tsx';

/** Roles as bits. */
const ROLES = [
  ['Everybody', 3],
  ['Workers', 1],
  ['Evaluators', 2],
] as const;

export function PeoplePage() {
  const [first, setFirst] = useState(0);
  const [role, setRole] = useState<number>(3);
  const people = useQuery(`people ${first}`, () => readPeople(first), { live: 5 });
  const slashes = useQuery('slashes', readSlashes, { live: true });
  return (
    <>
      <PageHead title="People" kind="Market">
        <p class="lead">Who trains and who scores, with what at stake.</p>
      </PageHead>
      <fieldset class="tabs">
        <legend class="unseen">Which people</legend>
        {ROLES.map(([name, bits]) => (
          <button key={name} type="button" aria-pressed={role === bits} onClick={() => setRole(bits)}>
            {name}
          </button>
        ))}
      </fieldset>
      <Loaded query={people} rows={8}>
        {({ people: all, total }) => (
          <Card
            title={titleOf(role, total)}
            side={total > PEOPLE_PAGE && <Pager first={first} total={total} setFirst={setFirst} />}
          >
            <PeopleTable people={all.filter(({ roles }) => role === 3 || (roles & role) !== 0)} role={role} />
          </Card>
        )}
      </Loaded>
      <Card title="Slashes">
        <Loaded query={slashes} rows={2}>
          {(rows) => <Slashes rows={rows} />}
        </Loaded>
      </Card>
    </>
  );
}

function titleOf(role: number, total: number): string {
  if (role === 3) return `Registered (${formatNumber(total)})`;
  return role === 1 ? 'Workers' : 'Evaluators';
}

interface PagerProps {
  first: number;
  total: number;
  setFirst: (first: number) => void;
}

function Pager({ first, total, setFirst }: PagerProps) {
  return (
    <nav class="pager" aria-label="Pages of people">
      <button type="button" disabled={first === 0} onClick={() => setFirst(first - PEOPLE_PAGE)}>
        Newer
      </button>
      <button
        type="button"
        disabled={first + PEOPLE_PAGE >= total}
        onClick={() => setFirst(first + PEOPLE_PAGE)}
      >
        Older
      </button>
    </nav>
  );
}

function PeopleTable({ people, role }: { people: readonly Person[]; role: number }) {
  if (people.length === 0) {
    return (
      <Empty>
        Nobody yet. <code>fedai {role === 2 ? 'evaluator' : 'worker'} run</code> joins.
      </Empty>
    );
  }
  const sorted = [...people].sort((a, b) => (a.earned < b.earned ? 1 : -1));
  const head = [
    'Account',
    'Roles',
    '#Stake',
    '#Free',
    '#Earned',
    '#Jobs',
    '#Rounds',
    '#Scores agreed',
    '#Slashed',
  ];
  const since = Math.max(...people.map(({ earnedSince }) => earnedSince));
  return (
    <>
      <Table caption="People" head={head}>
        {sorted.map((person) => (
          <PersonRow key={person.address} person={person} />
        ))}
      </Table>
      {since > 0 && (
        <p class="quiet note">Earnings are those since block {formatNumber(since)}, withdrawn or not.</p>
      )}
    </>
  );
}

function PersonRow({ person: { address, roles, stake, free, earned, reputation } }: { person: Person }) {
  const { scoresAgreed, scoresFailed } = reputation;
  return (
    <tr>
      <td>
        <Account address={address} />
      </td>
      <td>{rolesOf(roles) || <span class="quiet">left</span>}</td>
      <td class="right">
        <Amount wei={stake} places={2} />
      </td>
      <td class="right">
        <Amount wei={free} places={2} />
      </td>
      <td class="right">
        <Amount wei={earned} places={2} />
      </td>
      <td class="right">{formatNumber(reputation.jobs)}</td>
      <td class="right">{formatNumber(reputation.rounds)}</td>
      <td class="right">
        {scoresAgreed}
        {scoresFailed > 0 && ` of ${scoresAgreed + scoresFailed}`}
      </td>
      <td class="right">
        {reputation.slashes === 0 ? (
          <span class="quiet">never</span>
        ) : (
          <span title={`${reputation.slashes} times`}>
            <Amount wei={reputation.slashedWei} places={2} />
          </span>
        )}
      </td>
    </tr>
  );
}

/** Reasons of the contracts in words; what is none of them is shown as it is. */
const REASONS: Readonly<Record<string, string>> = {
  equivocation: 'voted for two blocks of one height',
  'wrong audit': 'an audit that replay refuted',
  'no audit': 'did not audit in time',
};

export function Slashes({ rows }: { rows: readonly Slash[] }) {
  if (rows.length === 0) return <Empty>Nobody lost stake.</Empty>;
  return (
    <Table caption="Slashes" head={['#Block', 'Account', '#Lost', 'Why', 'Transaction']}>
      {rows.map((slash, i) => (
        <tr key={`${slash.transactionHash}.${slash.account}.${i}`}>
          <td class="right">
            <Height height={slash.height} />
          </td>
          <td>
            <Account address={slash.account} />
          </td>
          <td class="right">
            <Amount wei={slash.amount} />
          </td>
          <td>{REASONS[slash.reason] ?? slash.reason.slice(0, 40)}</td>
          <td>
            <Hash value={slash.transactionHash} to={`/tx/${slash.transactionHash}`} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
