/** Slots × training rounds: who was there, which traces were drawn, which segments were proved. */
import type { Hex } from '../../core/index.ts';
import { isFinal, type Job, type MarketEvent } from '../../market/index.ts';
import { eventsNamed } from '../data/jobs.ts';
import { drawnSegments } from '../data/work.ts';
import { ask } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import type { Trace } from '../rpc/shapes.ts';
import { Empty, Failure, Loading } from './parts.tsx';
import { Account } from './values.tsx';

interface Cell {
  kind: 'open' | 'absent' | 'joined' | Trace['fate'];
  trace: Trace | undefined;
}

const WORDS: Readonly<Record<Cell['kind'], string>> = {
  open: 'not yet',
  absent: 'absent',
  joined: 'joined, no trace',
  committed: 'trace committed, not drawn',
  drawn: 'drawn, proof due',
  opened: 'drawn and proved',
  void: 'drawn, not opened in time',
  faulty: 'proved wrong',
};
const LEGEND = ['committed', 'drawn', 'opened', 'void', 'absent', 'open'] as const;

/** A page of thousands of cells helps nobody: the latest rounds are shown. */
const MAX_ROUNDS = 60;

interface Props {
  job: Job;
  workers: readonly Hex[];
  events: readonly MarketEvent[];
  height: number;
}

export function SlotMap({ job, workers, events, height }: Props) {
  const committed = eventsNamed(events, 'TraceCommitted');
  const query = useQuery(
    `traces ${job.id}`,
    async () => {
      const ids = committed.slice(-MAX_ROUNDS * Math.max(1, workers.length)).map(({ traceId }) => traceId);
      const found = (await Promise.all(ids.map((id) => ask.trace(id)))).filter((trace) => trace !== null);
      return { found, drawn: await drawnSegments(found) };
    },
    // Fates change only until the last trace can no longer be drawn.
    { live: height <= job.accrued.clearAt + 1 || !isFinal(job.state) },
  );
  if (workers.length === 0)
    return <Empty>Workers are drawn by chance when the window for volunteers closes.</Empty>;
  if (query.error !== undefined) return <Failure error={query.error} reload={query.reload} />;
  if (query.data === undefined && committed.length > 0) return <Loading rows={workers.length} />;
  const traces = new Map(
    (query.data?.found ?? [])
      .filter((trace) => trace !== null)
      .map((trace) => [`${trace.round}.${trace.slot}`, trace]),
  );
  const drawn = query.data?.drawn ?? new Map<bigint, number>();
  const fixed = new Map(
    eventsNamed(events, 'RoundCommitted').map((event) => [event.round, event.contributors]),
  );
  const first = Math.max(0, job.post.rounds - MAX_ROUNDS);
  const rounds = Array.from({ length: job.post.rounds - first }, (_, i) => first + i);
  const cellOf = (round: number, slot: number): Cell => {
    const trace = traces.get(`${round}.${slot}`);
    if (trace !== undefined) return { kind: trace.fate, trace };
    const contributors = fixed.get(round);
    if (contributors === undefined) return { kind: 'open', trace };
    return { kind: ((contributors >> BigInt(slot)) & 1n) === 1n ? 'joined' : 'absent', trace };
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Slots and training rounds, table">
        <table class="slots">
          <caption class="unseen">What became of each slot's work in each training round</caption>
          <thead>
            <tr>
              <th scope="col">Slot</th>
              {rounds.map((round) => (
                <th key={round} scope="col">
                  {round + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {workers.map((worker, slot) => (
              <tr key={worker}>
                <th scope="row">
                  <Account address={worker} />
                </th>
                {rounds.map((round) => (
                  <SlotCell key={round} cell={cellOf(round, slot)} drawn={drawn} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <ul class="legend">
        {LEGEND.map((kind) => (
          <li key={kind}>
            <i class={`cell ${kind}`} /> {WORDS[kind]}
          </li>
        ))}
        <li>
          <i class="cell audited" /> audited too
        </li>
      </ul>
    </>
  );
}

/** Traces of more segments are drawn as so many bars, the picked one at its place among them. */
const MOST_BARS = 12;

/** What auditors found, where the trace was under audit. */
function auditOf({ audit }: Trace): string {
  if (audit == null || audit.auditors.length === 0) return '';
  const found = audit.state === 'accepted' ? 'who found the same' : audit.state;
  return `, audited by ${audit.auditors.length} in segments ${audit.segments.join(', ')}: ${found}`;
}

function SlotCell({ cell: { kind, trace }, drawn }: { cell: Cell; drawn: ReadonlyMap<bigint, number> }) {
  const many = trace?.segments ?? 0;
  const picked = trace && drawn.get(trace.id);
  const bars = Math.min(many, MOST_BARS);
  const at = picked === undefined ? -1 : Math.floor((picked * bars) / many);
  const which = picked === undefined ? `${many} segments` : `segment ${picked} of 0–${many - 1}`;
  const words = trace === undefined ? WORDS[kind] : `${WORDS[kind]}, ${which}${auditOf(trace)}`;
  return (
    <td title={words}>
      <span
        class={`cell ${kind} ${trace?.audit != null && trace.audit.auditors.length > 0 ? 'audited' : ''}`}
      >
        {Array.from({ length: bars }, (_, i) => (
          <i key={i} class={i === at ? 'picked' : ''} />
        ))}
      </span>
      <span class="unseen">{words}</span>
    </td>
  );
}
