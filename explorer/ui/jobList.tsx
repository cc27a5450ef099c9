/** Jobs in a row each: how far they are and what they pay. */
import type { Job, JobState } from '../../market/index.ts';
import { formatPercent } from './format.ts';
import { Link } from './link.tsx';
import { Empty, Tag, type Tone } from './parts.tsx';
import { Amount } from './values.tsx';

const TONES: Readonly<Record<JobState, Tone>> = {
  None: 'plain',
  Open: 'busy',
  Training: 'busy',
  Evaluating: 'busy',
  Completed: 'good',
  Failed: 'bad',
  Cancelled: 'plain',
};

export const StateTag = ({ state }: { state: JobState }) => <Tag tone={TONES[state]}>{state}</Tag>;

export function JobList({ rows }: { rows: readonly Job[] }) {
  if (rows.length === 0)
    return (
      <Empty>
        No job was posted yet. <code>fedai job post</code> posts one.
      </Empty>
    );
  return (
    <ul class="rows">
      {rows.map((job) => (
        <li key={job.id.toString()} class="row">
          <Link to={`/job/${job.id}`} class="strong">
            Job {job.id.toString()}
          </Link>
          <span class="row-main">
            <StateTag state={job.state} />
            <span class="quiet">{progressOf(job)}</span>
          </span>
          <span class="row-time">
            <Amount wei={job.reward} places={2} />
          </span>
        </li>
      ))}
    </ul>
  );
}

export function progressOf(job: Job): string {
  if (job.state === 'Open') return `${job.post.workers} workers wanted`;
  if (job.state === 'Training') return `training round ${job.roundsFixed} of ${job.post.rounds}`;
  if (job.state === 'Evaluating') return `${job.phase.toLowerCase()} by ${job.post.evaluators} evaluators`;
  if (job.agreed.total > 0) return `${formatPercent(job.agreed.correct / job.agreed.total)} right`;
  return job.exit === 'None' ? '' : job.exit;
}
