/** Where a job's money went: from the escrow to the shares, and on to each account. */
import type { Job, MarketEvent } from '../../market/index.ts';
import { eventsNamed } from '../data/jobs.ts';
import { formatPercent, formatTrain } from './format.ts';
import { Empty } from './parts.tsx';
import { Account, Amount } from './values.tsx';

const WIDTH = 640;
const HEIGHT = 230;
const BAR = 14;
const GAP = 10;
/** A share of a thousandth must still be seen. */
const LEAST = 3;

interface Share {
  name: string;
  wei: bigint;
  kind: string;
}

const sharesOf = ({ payouts }: Job): Share[] =>
  [
    { name: 'Workers', wei: payouts.workers, kind: 'workers' },
    { name: 'Evaluators', wei: payouts.evaluators, kind: 'evaluators' },
    { name: 'Auditors', wei: payouts.auditors, kind: 'auditors' },
    { name: 'Work fee, for useful work', wei: payouts.burned, kind: 'burned' },
    { name: 'Validators', wei: payouts.validators, kind: 'validators' },
    { name: 'Back to the client', wei: payouts.refund, kind: 'refund' },
  ].filter(({ wei }) => wei > 0n);

export function PayoutFlow({ job, events }: { job: Job; events: readonly MarketEvent[] }) {
  const shares = sharesOf(job);
  const credits = eventsNamed(events, 'Credited');
  if (shares.length === 0) {
    return (
      <Empty>
        The escrow of {formatTrain(job.reward)} TRAIN is paid out when the job is settled. Segments that were
        verified are paid even if the job fails.
      </Empty>
    );
  }
  return (
    <>
      <Bands shares={shares} escrow={job.payouts.escrow} />
      <ul class="rows">
        {credits.map(({ account, amount, transactionHash }, i) => (
          <li key={`${transactionHash}.${account}.${i}`} class="row">
            <Account address={account} />
            <span class="row-main" />
            <span class="row-time">
              <Amount wei={amount} places={6} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Bands({ shares, escrow }: { shares: readonly Share[]; escrow: bigint }) {
  const room = HEIGHT - GAP * (shares.length - 1);
  const raw = shares.map(({ wei }) => Math.max(LEAST, (room * Number(wei)) / Number(escrow)));
  const scale = room / raw.reduce((sum, size) => sum + size, 0);
  let from = (HEIGHT - room) / 2;
  let to = 0;
  const bands = shares.map((share, i) => {
    const size = raw[i]! * scale;
    const band = { ...share, size, from, to };
    from += size;
    to += size + GAP;
    return band;
  });
  const summary = shares.map(({ name, wei }) => `${name} ${formatTrain(wei)} TRAIN`).join(', ');
  return (
    <div class="flow">
      <p class="flow-from">
        <span class="quiet">Escrow</span> <Amount wei={escrow} places={2} />
      </p>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Escrow of ${formatTrain(escrow)} TRAIN: ${summary}`}
      >
        <rect class="flow-bar escrow" x="0" y={(HEIGHT - room) / 2} width={BAR} height={room} />
        {bands.map(({ kind, size, from: y0, to: y1 }) => (
          <g key={kind} class={`flow-${kind}`}>
            <path class="flow-band" d={bandPath(y0, y1, size)} />
            <rect class="flow-bar" x={WIDTH - BAR} y={y1} width={BAR} height={size} />
          </g>
        ))}
      </svg>
      <ul class="flow-to">
        {bands.map(({ name, wei, kind }) => (
          <li key={kind} class={`flow-${kind}`}>
            <i />
            <span>{name}</span>
            <span>
              <Amount wei={wei} /> <span class="quiet">{formatPercent(Number(wei) / Number(escrow))}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function bandPath(y0: number, y1: number, size: number): string {
  const [left, right, middle] = [BAR, WIDTH - BAR, WIDTH / 2];
  return `M${left} ${y0}C${middle} ${y0} ${middle} ${y1} ${right} ${y1}V${y1 + size}C${middle} ${y1 + size} ${middle} ${y0 + size} ${left} ${y0 + size}Z`;
}
