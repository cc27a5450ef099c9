/** Draws of useful work: what was picked, what was opened, what was paid. */
import { useState } from 'preact/hooks';
import { type DrawView, readDraws } from '../data/work.ts';
import { openMarket } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import { FateTag } from '../ui/fate.tsx';
import { formatPercent } from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Figures, Loaded, PageHead, Table } from '../ui/parts.tsx';
import { Account, Amount, Height, JobLink } from '../ui/values.tsx';

const PAGE = 20;

export function ProofsPage() {
  const [first, setFirst] = useState(0);
  const terms = useQuery('work terms', async () => (await (await openMarket()).workParameters()) ?? null);
  const query = useQuery(`draws ${first}`, () => readDraws(first, PAGE), { live: true });
  return (
    <>
      <PageHead title="Proofs of useful work" kind="Proofs">
        <p class="lead">
          Training that was paid for is drawn by chance and executed again by every validator, bit for bit.
        </p>
      </PageHead>
      {terms.data && (
        <Figures
          items={[
            {
              label: 'A draw every',
              value: `${terms.data.interval} blocks`,
              note: `${terms.data.ranks} traces each`,
            },
            {
              label: 'Of the burned fees',
              value: formatPercent(terms.data.poolBps / 10_000, 0),
              note: 'are not burned at once',
            },
            {
              label: 'Paid to',
              value: formatPercent(1 - terms.data.proposerBps / 10_000, 0),
              note: `each trace’s worker; proposers ${formatPercent(terms.data.proposerBps / 10_000, 0)}`,
            },
          ]}
        />
      )}
      <Loaded query={query} rows={10}>
        {({ draws, total }) => (
          <Card
            title={`${total} draws`}
            side={
              <nav class="pager" aria-label="Pages of draws">
                <button type="button" disabled={first === 0} onClick={() => setFirst(first - PAGE)}>
                  Newer
                </button>
                <button type="button" disabled={first + PAGE >= total} onClick={() => setFirst(first + PAGE)}>
                  Older
                </button>
              </nav>
            }
          >
            {draws.length === 0 ? (
              <Empty>
                No training was drawn yet. Traces are committed after each training round of a job, and drawn
                some blocks later.
              </Empty>
            ) : (
              <DrawTable draws={draws} />
            )}
          </Card>
        )}
      </Loaded>
    </>
  );
}

function DrawTable({ draws }: { draws: readonly DrawView[] }) {
  return (
    <Table caption="Draws" head={['Draw at', 'Drawn', 'Worker', '#Segment', 'Opened in', 'Fate', '#Pool']}>
      {draws.flatMap(({ draw, openings }) =>
        draw.ranks.map(({ segment, trace }, rank) => {
          const opening = openings.find((one) => one.rank === rank);
          return (
            <tr key={`${draw.height}.${rank}`} class={rank === 0 ? 'group' : ''}>
              <td>{rank === 0 && <Link to={`/proof/${draw.height}`}>block {draw.height}</Link>}</td>
              <td>
                <JobLink id={trace.taskId} />, round {trace.round + 1}
              </td>
              <td>
                <Account address={trace.worker} />
              </td>
              <td class="right">
                {segment} of 0–{trace.segments - 1}
              </td>
              <td>{opening ? <Height height={opening.height} /> : <span class="quiet">–</span>}</td>
              <td>
                <FateTag fate={trace.fate} />
              </td>
              <td class="right">{rank === 0 ? <Amount wei={draw.pool} /> : ''}</td>
            </tr>
          );
        }),
      )}
    </Table>
  );
}
