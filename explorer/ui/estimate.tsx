/** What a job would cost and how long it would take, with what the figures stand on. */
import type { Estimate } from '../data/estimate.ts';
import { formatDuration, formatNumber } from './format.ts';
import { Facts } from './parts.tsx';
import { Amount } from './values.tsx';

interface Props {
  found: Estimate;
  workers: number;
  evaluators: number;
  /** Registered now. */
  evaluatorsThere: number;
  reward: bigint | undefined;
  workerStake: bigint;
}

export function EstimateView({ found, workers, evaluators, evaluatorsThere, reward, workerStake }: Props) {
  const { parts, likely, shortest, longest } = found;
  const segments = [
    ['open', 'find workers', parts.open],
    ['train', 'train', parts.train],
    ['score', 'score', parts.score],
  ] as const;
  const total = parts.open + parts.train + parts.score;
  return (
    <div class="estimate">
      <p class="estimate-main">
        <span class="figure-value">{formatDuration(likely)}</span>
        <span class="quiet">
          likely; {formatDuration(shortest)} to {formatDuration(longest)}
        </span>
      </p>
      <div class="estimate-bar" aria-hidden="true">
        {segments.map(([kind, , seconds]) => (
          <i key={kind} class={kind} style={{ flexGrow: Math.max(0.02, seconds / total) }} />
        ))}
      </div>
      <ul class="estimate-key">
        {segments.map(([kind, name, seconds]) => (
          <li key={kind}>
            <i class={kind} /> {name} <span class="number">{formatDuration(seconds)}</span>
          </li>
        ))}
      </ul>
      <Facts
        rows={[
          [
            'Workers',
            <span key="v" class={found.able < workers ? 'warn' : ''}>
              {found.able} of the {workers} needed are here with <Amount wei={workerStake} places={2} /> of
              free stake
            </span>,
          ],
          [
            'Evaluators',
            <span key="v" class={evaluatorsThere <= evaluators ? 'warn' : ''}>
              {evaluatorsThere} are here; more than {evaluators} are needed
            </span>,
          ],
          reward !== undefined && ['Reward', <Amount key="v" wei={reward} places={4} />],
          [
            'Fees',
            <span key="v">
              <Amount wei={found.fee} places={6} /> <span class="quiet">at today’s price of gas</span>
            </span>,
          ],
          found.usualReward !== undefined && [
            'Others paid',
            <span key="v">
              <Amount wei={found.usualReward} places={2} />{' '}
              <span class="quiet">for as much arithmetic, in the middle</span>
            </span>,
          ],
        ]}
      />
      <p class="quiet note">
        {found.measured > 0
          ? `The speed is what the last ${formatNumber(found.measured)} training rounds of this chain took, waiting included.`
          : 'No job has trained here lately: the speed is that of one ordinary core, and may be far off.'}
      </p>
    </div>
  );
}
