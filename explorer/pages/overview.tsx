/** The front page: the chain as it grows, its figures, the jobs under way. */
import { useRef } from 'preact/hooks';
import { jobRows } from '../data/jobs.ts';
import { summaryOf } from '../decode/summary.tsx';
import { ask, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import type { Block, Glance, Transaction } from '../rpc/shapes.ts';
import { formatMs, formatNumber, median } from '../ui/format.ts';
import { JobList } from '../ui/jobList.tsx';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Figures, Loaded, Loading, PageHead, Tag } from '../ui/parts.tsx';
import { BlockStream } from '../ui/stream.tsx';
import { Account, Hash, Time } from '../ui/values.tsx';

const SHOWN = 8;

export function Overview() {
  const { recent, status, height } = useStore(node, (state) => state);
  const jobs = useQuery('overview jobs', () => jobRows({ newest: 4 }), { live: true });
  return (
    <>
      <PageHead title={status?.name ?? 'fedai'} kind="Chain">
        <p class="lead">Training on machines nobody has to trust, paid and proved on chain.</p>
      </PageHead>
      <BlockStream blocks={recent} />
      <ChainFigures />
      <div class="columns">
        <Card title="Latest blocks" side={height > 0 && <Link to={`/blocks`}>All blocks</Link>}>
          {recent.length === 0 ? <Loading rows={SHOWN} /> : <BlockList blocks={recent.slice(0, SHOWN)} />}
        </Card>
        <div class="stack">
          <Card title="Jobs" side={<Link to="/jobs">All jobs</Link>}>
            <Loaded query={jobs} rows={3}>
              {(rows) => <JobList rows={rows} />}
            </Loaded>
          </Card>
          <Card title="Latest transactions">
            <LatestTransactions blocks={recent} />
          </Card>
        </div>
      </div>
    </>
  );
}

function ChainFigures() {
  const { status, height, recent } = useStore(node, (state) => state);
  const finality = median(status?.finalityMs ?? []);
  const sealed = recent.filter(({ usefulWork }) => usefulWork.work !== null).length;
  return (
    <Figures
      items={[
        { label: 'Height', value: height < 0 ? '–' : formatNumber(height), note: 'every block is final' },
        {
          label: 'Time to finality',
          value: finality === undefined ? '–' : formatMs(finality),
          note: 'median of this node',
        },
        {
          label: 'Sealed by training',
          value: `${sealed}`,
          note: `of the latest ${recent.length} blocks`,
        },
        {
          label: 'Peers',
          value: formatNumber(status?.peers ?? 0),
          note: `${status?.pool.transactions ?? 0} transactions wait`,
        },
      ]}
    />
  );
}

export function BlockList({ blocks }: { blocks: readonly Glance[] }) {
  const final = useStore(node, ({ finality }) => finality);
  return (
    <ul class="rows">
      {blocks.map((block) => (
        <li key={block.number} class="row block-row">
          <Link to={`/block/${block.number}`} class="number strong">
            {formatNumber(block.number)}
          </Link>
          <span class="row-main">
            <Account address={block.miner} />
          </span>
          <span class="row-note">
            {block.usefulWork.work !== null && <Tag tone="work">work</Tag>}
            <span class="block-final">
              {final.get(block.number) !== undefined && `final in ${formatMs(final.get(block.number)!)}`}
            </span>
            {block.transactions.length} tx
          </span>
          <span class="row-time">
            <Time at={block.timestamp} />
          </span>
        </li>
      ))}
    </ul>
  );
}

type Latest = readonly { block: Block; transaction: Transaction }[];

/** The newest blocks that together have enough transactions to show. */
function fullest(blocks: readonly Glance[]): Glance[] {
  const chosen: Glance[] = [];
  let sum = 0;
  for (const block of blocks) {
    if (sum >= SHOWN) break;
    if (block.transactions.length === 0) continue;
    chosen.push(block);
    sum += block.transactions.length;
  }
  return chosen;
}

function LatestTransactions({ blocks }: { blocks: readonly Glance[] }) {
  const contracts = useStore(node, ({ status }) => status?.contracts);
  const filled = fullest(blocks);
  const query = useQuery(`transactions of ${filled.map(({ number }) => number).join()}`, async () => {
    const whole = await Promise.all(filled.map(({ number }) => ask.block(number)));
    return whole.flatMap((block) =>
      (block?.transactions.slice(-SHOWN) ?? [])
        .map((transaction) => ({ block: block!, transaction }))
        .reverse(),
    );
  });
  // What was shown stays until what is newer has come.
  const shown = useRef<Latest>([]);
  if (query.data !== undefined) shown.current = query.data;
  const latest = shown.current.slice(0, SHOWN);
  if (blocks.length === 0 || (latest.length === 0 && filled.length > 0)) return <Loading rows={SHOWN} />;
  if (latest.length === 0) return <Empty>No transactions in the latest {blocks.length} blocks.</Empty>;
  return (
    <ul class="rows">
      {latest.map(({ block, transaction }) => (
        <li key={transaction.hash} class="row told">
          <Hash value={transaction.hash} to={`/tx/${transaction.hash}`} what="transaction hash" />
          <span class="row-main">
            <Account address={transaction.from} /> {summaryOf(contracts ?? {}, transaction)}
          </span>
          <span class="row-time">
            <Time at={block.timestamp} />
          </span>
        </li>
      ))}
    </ul>
  );
}
