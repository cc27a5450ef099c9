/** One job: what was asked, how far it is, who did what, how it was scored, and where the money went. */
import { useState } from 'preact/hooks';
import type { Hex } from '../../core/index.ts';
import { type EventOf, isFinal, type MarketEvent } from '../../market/index.ts';
import { latestHeight } from '../data/account.ts';
import { eventsNamed, type JobView, jobView, lossOf } from '../data/jobs.ts';
import { useQuery } from '../node/useQuery.ts';
import { AccuracyCurve } from '../ui/accuracyCurve.tsx';
import { Curve } from '../ui/chart.tsx';
import { DocumentCards } from '../ui/documentCard.tsx';
import { PayoutFlow } from '../ui/flow.tsx';
import { formatPercent } from '../ui/format.ts';
import { StateTag } from '../ui/jobList.tsx';
import { lazy } from '../ui/lazy.tsx';
import { ModelCard } from '../ui/modelCard.tsx';
import { Card, Empty, Figures, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { ReceiptCard } from '../ui/receiptCard.tsx';
import { SlotMap } from '../ui/slotMap.tsx';
import { StateLine } from '../ui/stateLine.tsx';
import { Account, Amount, Hash, Height } from '../ui/values.tsx';

export function JobPage({ id }: { id: string }) {
  const query = useQuery(`job ${id}`, async () => jobView(BigInt(id), await latestHeight()), { live: true });
  return (
    <>
      <PageHead title={`Job ${id}`} kind="Market">
        {query.data && <StateTag state={query.data.job.state} />}
      </PageHead>
      <Loaded query={query} rows={12}>
        {(view) => <Contents view={view} />}
      </Loaded>
    </>
  );
}

const ClientPart = lazy<{ view: JobView }>(() =>
  import('../post/index.ts').then((parts) => parts.ClientPart),
);

/** Who never connected a wallet here has posted nothing from here. */
const mayBeClient = (): boolean =>
  localStorage.getItem('wallet') !== null || localStorage.getItem('serving') !== null;

function Contents({ view }: { view: JobView }) {
  const { job, height, workers, events } = view;
  return (
    <>
      <StateLine job={job} height={height} />
      {mayBeClient() && <ClientPart view={view} />}
      <Summary view={view} />
      <div class="columns">
        <Card title="Training">
          <div class="charts">
            <LossCurve view={view} />
            {view.job.roundsFixed > 0 && (
              <div>
                <AccuracyCurve view={view} />
              </div>
            )}
          </div>
        </Card>
        <Card title="Scores">
          <Scores view={view} />
        </Card>
      </div>
      <Card title="Slots and training rounds">
        <SlotMap job={job} workers={workers} events={events} height={height} />
      </Card>
      <div class="columns even">
        <div class="stack">
          <Card title="Money">
            <PayoutFlow job={job} events={events} />
          </Card>
          <ReceiptCard job={job} />
        </div>
        <ModelCard job={job} />
      </div>
      <DocumentCards job={job} />
      <Card title={`Events (${events.length})`}>
        <EventList events={events} />
      </Card>
    </>
  );
}

function Summary({ view: { job } }: { view: JobView }) {
  const accuracy = job.agreed.total === 0 ? undefined : job.agreed.correct / job.agreed.total;
  return (
    <Figures
      items={[
        {
          label: 'Reward',
          value: <Amount wei={job.reward} places={2} />,
          note: isFinal(job.state) ? 'paid out' : 'in escrow',
        },
        {
          label: 'Accuracy',
          value: accuracy === undefined ? '–' : formatPercent(accuracy),
          note:
            accuracy === undefined
              ? 'scored at the end, on hidden data'
              : `${job.agreed.correct} of ${job.agreed.total} hidden samples`,
        },
        {
          label: 'Training rounds',
          value: `${job.roundsFixed} / ${job.post.rounds}`,
          note: `${job.post.workers} workers`,
        },
        {
          label: 'Traces',
          value: `${job.accrued.traces}`,
          note: job.accrued.lost === 0 ? 'none lost' : `${job.accrued.lost} lost: not opened in time`,
        },
        {
          label: 'Client',
          value: <Account address={job.client} />,
          note: (
            <>
              posted in block <Height height={job.postedAt} />
            </>
          ),
        },
      ]}
    />
  );
}

function LossCurve({ view: { job, events } }: { view: JobView }) {
  const points = eventsNamed(events, 'RoundCommitted').map(({ round, loss }) => ({
    x: round + 1,
    y: lossOf(loss),
    label: `after round ${round + 1}`,
  }));
  if (points.length === 0) return <Empty>The curve begins when the first training round is fixed.</Empty>;
  return (
    <Curve
      points={points}
      lastX={job.post.rounds}
      name="Loss"
      unit="nats"
      format={(value) => value.toFixed(2)}
    />
  );
}

function scoreOf(events: readonly MarketEvent[], evaluator: Hex): EventOf<'ScoreRevealed'> | undefined {
  return eventsNamed(events, 'ScoreRevealed').findLast((event) => event.evaluator === evaluator);
}

function Scores({ view: { job, evaluators, events } }: { view: JobView }) {
  if (evaluators.length === 0)
    return (
      <Empty>Evaluators are drawn after the model is committed, so that nobody knows them before.</Empty>
    );
  return (
    <>
      <Table caption="Scores" head={['Evaluator', 'Committed in', '#Right', 'Agrees']}>
        {evaluators.map((evaluator) => {
          const committed = eventsNamed(events, 'ScoreCommitted').findLast(
            (one) => one.evaluator === evaluator,
          );
          const revealed = scoreOf(events, evaluator);
          const agrees = revealed?.score.outputsRoot === job.agreed.outputsRoot;
          return (
            <tr key={evaluator}>
              <td>
                <Account address={evaluator} />
              </td>
              <td>{committed ? <Height height={committed.height} /> : <span class="quiet">not yet</span>}</td>
              <td class="right">
                {revealed ? (
                  `${revealed.score.correct} / ${revealed.score.total}`
                ) : (
                  <span class="quiet">hidden</span>
                )}
              </td>
              <td>
                {revealed && isFinal(job.state) ? (
                  <Tag tone={agrees ? 'good' : 'bad'}>{agrees ? 'exactly' : 'no'}</Tag>
                ) : (
                  '–'
                )}
              </td>
            </tr>
          );
        })}
      </Table>
      <p class="quiet note">
        Scores are committed before any is revealed. Two thirds must agree to the last bit of every output.
      </p>
    </>
  );
}

const MAX_EVENTS = 500;
/** The latest are what one looks for. */
const EVENTS_AT_FIRST = 10;

function EventList({ events }: { events: readonly MarketEvent[] }) {
  const [isWhole, setWhole] = useState(false);
  const shown = [...events].reverse().slice(0, isWhole ? MAX_EVENTS : EVENTS_AT_FIRST);
  return (
    <>
      <Table caption="Events" head={['#Block', 'Event', 'Who', 'Transaction']}>
        {shown.map((event, i) => (
          <tr key={`${event.transactionHash}.${i}`}>
            <td class="right">
              <Height height={event.height} />
            </td>
            <td>{nameOf(event)}</td>
            <td>{whoOf(event) ? <Account address={whoOf(event)!} /> : ''}</td>
            <td>
              <Hash
                value={event.transactionHash}
                to={`/tx/${event.transactionHash}`}
                what="transaction hash"
              />
            </td>
          </tr>
        ))}
      </Table>
      {shown.length < events.length && !isWhole && (
        <div class="controls">
          <button type="button" onClick={() => setWhole(true)}>
            Show all {events.length}
          </button>
        </div>
      )}
    </>
  );
}

/** `RoundCommitted` as “round committed”, with its round where it has one. */
function nameOf(event: MarketEvent): string {
  const words = event.name.replace(/(?!^)([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return 'round' in event ? `${words}, round ${event.round + 1}` : words;
}

function whoOf(event: MarketEvent): Hex | undefined {
  if ('worker' in event) return event.worker;
  if ('evaluator' in event) return event.evaluator;
  if ('account' in event) return event.account;
  return 'client' in event ? event.client : undefined;
}
