/** All jobs, newest first, by state. */
import { useState } from 'preact/hooks';
import type { Job } from '../../market/index.ts';
import { jobPage } from '../data/jobs.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber } from '../ui/format.ts';
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
  /** Where the pages before this one ended, so that one can go back. */
  const [path, setPath] = useState<readonly bigint[]>([]);
  const before = path.at(-1);
  const query = useQuery(
    `jobs ${filter} ${before ?? ''}`,
    () => jobPage((job) => passes(job, filter), PAGE, before),
    { live: before === undefined },
  );
  const choose = (name: Filter): void => {
    setFilter(name);
    setPath([]);
  };
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
          <button key={name} type="button" aria-pressed={filter === name} onClick={() => choose(name)}>
            {name}
          </button>
        ))}
      </fieldset>
      <Loaded query={query} rows={8}>
        {({ count, rows, next }) => (
          <Card
            title={`${formatNumber(count)} ${count === 1n ? 'job' : 'jobs'} on this chain`}
            side={
              (path.length > 0 || next > 1n) && (
                <Pager
                  isFirst={path.length === 0}
                  isLast={next <= 1n}
                  onNewer={() => setPath(path.slice(0, -1))}
                  onOlder={() => setPath([...path, next])}
                />
              )
            }
          >
            <JobTable rows={rows} isMore={next > 1n} />
          </Card>
        )}
      </Loaded>
    </>
  );
}

interface PagerProps {
  isFirst: boolean;
  isLast: boolean;
  onNewer: () => void;
  onOlder: () => void;
}

function Pager({ isFirst, isLast, onNewer, onOlder }: PagerProps) {
  return (
    <nav class="pager" aria-label="Pages of jobs">
      <button type="button" disabled={isFirst} onClick={onNewer}>
        Newer
      </button>
      <button type="button" disabled={isLast} onClick={onOlder}>
        Older
      </button>
    </nav>
  );
}

function JobTable({ rows, isMore }: { rows: readonly Job[]; isMore: boolean }) {
  if (rows.length === 0) {
    return isMore ? (
      <Empty>None of these among the latest; there are older ones to look at.</Empty>
    ) : (
      <Empty>
        None of these. <code>fedai job post</code> posts one.
      </Empty>
    );
  }
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
