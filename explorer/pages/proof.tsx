/** One draw: which traces were picked with what weight, who opened them, what was paid, and the proof executed again here. */
import { useState } from 'preact/hooks';
import { type DrawView, readDrawAt } from '../data/work.ts';
import { ask, openMarket } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import type { Draw } from '../rpc/shapes.ts';
import { FateTag } from '../ui/fate.tsx';
import { formatPercent } from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Facts, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { Account, Amount, Height, JobLink } from '../ui/values.tsx';
import { VerifyHere } from '../ui/verify.tsx';

export function ProofPage({ height }: { height: number }) {
  const query = useQuery(`draw ${height}`, () => readDrawAt(height), { live: true });
  return (
    <>
      <PageHead title={`Draw at block ${height}`} kind="Proofs">
        <Link to={`/block/${height}`} class="button">
          Block {height}
        </Link>
      </PageHead>
      <Loaded query={query} rows={10}>
        {(view) =>
          view === null ? (
            <Card>
              <Empty>
                Nothing was drawn at block {height}. <Link to="/proofs">All draws</Link> are listed by height.
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

function Contents({ view: { draw, openings } }: { view: DrawView }) {
  const [chosen, setChosen] = useState(0);
  const opening = openings[Math.min(chosen, openings.length - 1)];
  return (
    <>
      <DrawFacts draw={draw} opened={openings.length} />
      <Card title="Ranks">
        <Ranks draw={draw} openings={openings} />
      </Card>
      <Audits draw={draw} />
      {opening === undefined ? (
        <Card title="Verify here">
          <Empty>No proof of this draw is in a block, so there is nothing to execute again.</Empty>
        </Card>
      ) : (
        <>
          {openings.length > 1 && (
            <fieldset class="tabs">
              <legend class="unseen">Which proof</legend>
              {openings.map((one, i) => (
                <button
                  key={one.height}
                  type="button"
                  aria-pressed={i === chosen}
                  onClick={() => setChosen(i)}
                >
                  Rank {one.rank}, block {one.height}
                </button>
              ))}
            </fieldset>
          )}
          <VerifyHere height={opening.height} />
        </>
      )}
    </>
  );
}

function DrawFacts({ draw, opened }: { draw: Draw; opened: number }) {
  const terms = useQuery('work terms', async () => (await (await openMarket()).workParameters()) ?? null);
  const best = draw.ranks.find(({ opener }) => opener !== null);
  const share = (bps: number | undefined) => (draw.pool * BigInt(bps ?? 0)) / 10_000n;
  return (
    <div class="columns even">
      <Card title="Draw">
        <Facts
          rows={[
            ['Burned by what was drawn from', <Amount key="v" wei={draw.totalWeight} places={6} />],
            ['Pool', <Amount key="v" wei={draw.pool} places={6} />],
            ['Traces drawn', `${draw.ranks.length}, ${opened} opened`],
            [
              'Chance',
              <span key="v">
                the beacon of <Height height={draw.height - 1} />, after all of them were committed
              </span>,
            ],
            [
              'State',
              draw.settled ? (
                <Tag key="v" tone="good">
                  paid
                </Tag>
              ) : (
                <Tag key="v" tone="busy">
                  waits
                </Tag>
              ),
            ],
          ]}
        />
      </Card>
      <Card title="Pay">
        {best === undefined ? (
          <Empty>
            {draw.settled
              ? 'None was opened: the pool was burned.'
              : 'Nothing was opened yet: the bundle of a drawn segment is due from its worker.'}
          </Empty>
        ) : (
          <Facts
            rows={[
              [
                'Worker',
                <span key="v">
                  <Account address={best.trace.worker} />{' '}
                  <Amount wei={share(terms.data?.workerBps)} places={6} />
                </span>,
              ],
              [
                'Opener',
                <span key="v">
                  <Account address={best.opener!} /> <Amount wei={share(terms.data?.openerBps)} places={6} />
                </span>,
              ],
              best.proposer !== null && [
                'Proposer',
                <span key="v">
                  <Account address={best.proposer} />{' '}
                  <Amount wei={share(terms.data?.proposerBps)} places={6} />
                </span>,
              ],
            ]}
          />
        )}
      </Card>
    </div>
  );
}

const AUDIT_WORDS: Readonly<Record<string, string>> = {
  none: 'not drawn for an audit',
  drawn: 'under audit',
  accepted: 'auditors found the same',
  disputed: 'auditors disagree: before the court',
  unanswered: 'nobody could fetch it',
  judged: 'judged',
};

/** What auditors, drawn by chance from the evaluators, executed again beside what sealed blocks. */
function Audits({ draw }: { draw: Draw }) {
  const query = useQuery(
    `audits ${draw.height}`,
    async () => {
      const traces = await Promise.all(draw.ranks.map(({ trace }) => ask.trace(trace.id)));
      return traces.filter((trace) => trace?.audit != null);
    },
    { live: true },
  );
  if (query.data === undefined || query.data.length === 0) return null;
  return (
    <Card title="Audits">
      <Table caption="Audits" head={['Training', 'Executed again', 'Auditors', 'State', 'Case']}>
        {query.data.map((trace) => (
          <tr key={trace!.id.toString()}>
            <td>
              <JobLink id={trace!.taskId} />, round {trace!.round + 1}, slot {trace!.slot}
            </td>
            <td>
              {trace!.audit!.segments.length === 0
                ? '–'
                : `${trace!.audit!.segments.length === 1 ? 'segment' : 'segments'} ${trace!.audit!.segments.join(', ')}`}
            </td>
            <td>
              <span class="people">
                {trace!.audit!.auditors.map(({ account }) => (
                  <Account key={account} address={account} />
                ))}
                {trace!.audit!.auditors.length === 0 && <span class="quiet">none yet</span>}
              </span>
            </td>
            <td>{AUDIT_WORDS[trace!.audit!.state] ?? trace!.audit!.state}</td>
            <td>
              {trace!.case == null ? (
                <span class="quiet">–</span>
              ) : (
                `${trace!.case.caseId}: ${trace!.case.state}`
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

function Ranks({ draw, openings }: DrawView) {
  const winner = draw.ranks.findIndex(({ opener }) => opener !== null);
  return (
    <Table
      caption="Traces drawn"
      head={['#Rank', 'Training', 'Worker', '#Burned', '#Share', '#Segment', 'Opened in', 'Fate']}
    >
      {draw.ranks.map(({ segment, trace }, rank) => {
        const opening = openings.find((one) => one.rank === rank);
        const share = Number((trace.weight * 10_000n) / (draw.totalWeight || 1n)) / 10_000;
        return (
          <tr key={trace.id.toString()}>
            <td class="right">{rank}</td>
            <td>
              <JobLink id={trace.taskId} />, round {trace.round + 1}, slot {trace.slot}
            </td>
            <td>
              <Account address={trace.worker} />
            </td>
            <td class="right">
              <Amount wei={trace.weight} />
            </td>
            <td class="right">{formatPercent(share)}</td>
            <td class="right">
              {segment} of 0–{trace.segments - 1}
            </td>
            <td>{opening ? <Height height={opening.height} /> : '–'}</td>
            <td>
              <FateTag fate={trace.fate} /> {draw.settled && rank === winner && <Tag tone="good">won</Tag>}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
