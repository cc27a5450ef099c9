/** All jobs, newest first, by state. */
import { useState } from 'preact/hooks';
import type { Job } from '../../market/index.ts';
import { jobRows } from '../data/jobs.ts';
import { openMarket } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import { progressOf, StateTag } from '../ui/jobList.tsx';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Loaded, PageHead, Table } from '../ui/parts.tsx';
import { Account, Amount, Height } from '../ui/values.tsx';

const PAGE = 50;
const FILTERS = ['All', 'Under way', 'Completed', 'Failed'] as const;
type Filter = (typeof FILTERS)[number];

const passes = ({ state }: Job, filter: Filter): boolean => {
  if (filter === 'All') return true;
  if (filter === 'Completed') return state === 'Completed';
  if (filter === 'Failed') return state === 'Failed' || state === 'Cancelled';
  return state === 'Open' || state === 'Training' || state === 'Evaluating';
};

export function JobsPage() {
  const [filter, setFilter] = useState<Filter>('All');
  const [before, setBefore] = useState<bigint | undefined>(undefined);
  const query = useQuery(
    `jobs ${before ?? ''}`,
    async () => ({
      count: await (await openMarket()).jobCount(),
      rows: await jobRows({ newest: PAGE, ...(before !== undefined && { before }) }),
    }),
    { live: true },
  );
  return (
    <>
      <PageHead title="Jobs" kind="Market">
        <p class="lead">Models that somebody pays for, trained and scored by others.</p>
        <p class="controls">
          <Link to="/post" class="button primary">
            Post a job
          </Link>
          <Link to="/estimate" class="button">
            What would it cost?
          </Link>
        </p>
      </PageHead>
      <fieldset class="tabs">
        <legend class="unseen">Which jobs</legend>
        {FILTERS.map((name) => (
          <button key={name} type="button" aria-pressed={filter === name} onClick={() => setFilter(name)}>
            {name}
          </button>
        ))}
      </fieldset>
      <Loaded query={query} rows={8}>
        {({ count, rows }) => (
          <Card
            title={`${count} jobs on this chain`}
            side={<Pager rows={rows} before={before} setBefore={setBefore} />}
          >
            <JobTable rows={rows.filter((job) => passes(job, filter))} />
          </Card>
        )}
      </Loaded>
    </>
  );
}

interface PagerProps {
  rows: readonly Job[];
  before: bigint | undefined;
  setBefore: (before: bigint | undefined) => void;
}

function Pager({ rows, before, setBefore }: PagerProps) {
  const last = rows.at(-1)?.id ?? 1n;
  return (
    <nav class="pager" aria-label="Pages of jobs">
      <button type="button" disabled={before === undefined} onClick={() => setBefore(undefined)}>
        Latest
      </button>
      <button type="button" disabled={last <= 1n} onClick={() => setBefore(last)}>
        Older
      </button>
    </nav>
  );
}

function JobTable({ rows }: { rows: readonly Job[] }) {
  if (rows.length === 0) return <Empty>None of these. A job is posted with “fedai job post”.</Empty>;
  return (
    <Table
      caption="Jobs"
      head={['Job', 'State', 'How far', 'Client', '#Workers', '#Rounds', '#Reward', '#Posted at']}
    >
      {rows.map((job) => (
        <tr key={job.id.toString()}>
          <td>
            <Link to={`/job/${job.id}`} class="strong">
              Job {job.id.toString()}
            </Link>
          </td>
          <td>
            <StateTag state={job.state} />
          </td>
          <td>{progressOf(job)}</td>
          <td>
            <Account address={job.client} />
          </td>
          <td class="right">{job.post.workers}</td>
          <td class="right">{job.post.rounds}</td>
          <td class="right">
            <Amount wei={job.reward} places={2} />
          </td>
          <td class="right">
            <Height height={job.postedAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
