/** Who votes, with how much stake, and how often they were there. */
import type { Hex } from '../../core/index.ts';
import { latestHeight } from '../data/account.ts';
import { isSigner } from '../data/blocks.ts';
import { ask } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatPercent } from '../ui/format.ts';
import { Card, Figures, Loaded, PageHead, Table } from '../ui/parts.tsx';
import { Account, Amount } from '../ui/values.tsx';

/** Enough to tell an absence from bad luck. */
const LOOKED_AT = 60;

interface Row {
  address: Hex;
  power: bigint;
  share: number;
  /** Oldest block first. */
  votes: boolean[];
  proposed: number;
}

async function loadValidators(): Promise<{ rows: Row[]; rounds: number }> {
  const height = await latestHeight();
  const heights = Array.from({ length: Math.min(LOOKED_AT, height) }, (_, i) => height - i).reverse();
  const [set, commits, blocks] = await Promise.all([
    ask.validators(height),
    Promise.all(heights.map((one) => ask.commit(one))),
    Promise.all(heights.map((one) => ask.glance(one))),
  ]);
  const total = set.reduce((sum, { power }) => sum + power, 0n) || 1n;
  const rows = set.map(({ address, power }, index) => ({
    address,
    power,
    share: Number((power * 10_000n) / total) / 10_000,
    votes: commits.map((commit) => isSigner(commit, index)),
    proposed: blocks.filter((block) => block?.miner === address).length,
  }));
  const later = commits.filter((commit) => (commit?.commit?.round ?? 0) > 0).length;
  return { rows, rounds: later };
}

export function ValidatorsPage() {
  const query = useQuery('validators', loadValidators, { live: true });
  return (
    <>
      <PageHead title="Validators" kind="Chain">
        <p class="lead">Their stake makes blocks final: more than two thirds of it must sign each one.</p>
      </PageHead>
      <Loaded query={query} rows={6}>
        {({ rows, rounds }) => (
          <>
            <Figures
              items={[
                { label: 'Validators', value: `${rows.length}`, note: 'in the set of the latest block' },
                {
                  label: 'Stake',
                  value: <Amount wei={rows.reduce((sum, { power }) => sum + power, 0n)} places={0} />,
                  note: 'all of it can be slashed',
                },
                {
                  label: 'Second rounds',
                  value: `${rounds}`,
                  note: `of the latest ${rows[0]?.votes.length ?? 0} blocks took one`,
                },
              ]}
            />
            <Card title="Set">
              <Table
                caption="Validators"
                head={[
                  'Validator',
                  '#Stake',
                  '#Share',
                  `Votes in the latest ${rows[0]?.votes.length ?? 0} blocks`,
                  '#In commits',
                  '#Proposed',
                ]}
              >
                {rows.map((row) => (
                  <ValidatorRow key={row.address} row={row} />
                ))}
              </Table>
              <p class="quiet note">
                A block commit holds the votes that came first, so a vote that is not in it may only have been
                late.
              </p>
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}

function ValidatorRow({ row }: { row: Row }) {
  const present = row.votes.filter(Boolean).length;
  return (
    <tr>
      <td>
        <Account address={row.address} />
      </td>
      <td class="right">
        <Amount wei={row.power} places={0} />
      </td>
      <td class="right">{formatPercent(row.share)}</td>
      <td>
        <svg
          class="votes"
          width={row.votes.length * 5}
          height="18"
          role="img"
          aria-label={`in ${present} of ${row.votes.length} commits`}
        >
          {row.votes.map((voted, i) => (
            <rect
              key={i}
              class={voted ? 'yes' : 'no'}
              x={i * 5}
              y={voted ? 0 : 12}
              width="3.500"
              height={voted ? 18 : 6}
              rx="1"
            />
          ))}
        </svg>
      </td>
      <td class="right">{formatPercent(present / Math.max(1, row.votes.length), 0)}</td>
      <td class="right">{row.proposed}</td>
    </tr>
  );
}
