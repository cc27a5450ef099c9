/** How often the model is right after each training round, measured in this page; what it is measured on is said. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { fromHex } from '../../core/index.ts';
import { type EventOf, ZERO_HASH } from '../../market/index.ts';
import { eventsNamed, type JobView } from '../data/jobs.ts';
import { keptKeys } from '../post/kept.ts';
import { measureAccuracy } from '../work/client.ts';
import type { AccuracyPoint } from '../work/messages.ts';
import { Curve } from './chart.tsx';
import { formatNumber, formatPercent } from './format.ts';

/** Of a long job every so many rounds: each state is fetched. */
const MAX_STATES = 24;

function statesOf(rounds: readonly EventOf<'RoundCommitted'>[]): { round: number; stateCid: string }[] {
  const step = Math.max(1, Math.ceil(rounds.length / MAX_STATES));
  return rounds
    .filter((_, i) => (rounds.length - 1 - i) % step === 0)
    .map(({ round, stateCid }) => ({ round, stateCid }));
}

interface Measured {
  points: readonly AccuracyPoint[];
  /** Records measured on; 0 until that is known. */
  count: number;
  isHidden: boolean;
  isDone: boolean;
}

const NOTHING: Measured = { points: [], count: 0, isHidden: false, isDone: false };

function useAccuracy({ job, events }: JobView): Measured & { isTest: boolean } {
  const states = statesOf(eventsNamed(events, 'RoundCommitted'));
  const [measured, setMeasured] = useState<Measured>(NOTHING);
  /** null: there is none here. Undefined until that is known. */
  const [key, setKey] = useState<Uint8Array | null | undefined>(undefined);
  /** States asked for with this key. Answers to an earlier question are about other records. */
  const asked = useRef({ key, states: new Set<string>() });
  const isPublic = job.testKey !== ZERO_HASH;
  useEffect(() => {
    // Who posted the job has the key of its test set before it is published.
    if (isPublic) setKey(fromHex(job.testKey, 32));
    else
      void keptKeys(job.post.testKeyCommitment).then(
        (keys) => setKey(keys?.testKey ?? null),
        () => setKey(null),
      );
  }, [isPublic]);
  useEffect(() => {
    if (key === undefined) return;
    if (asked.current.key !== key) {
      asked.current = { key, states: new Set() };
      setMeasured(NOTHING);
    }
    const present = asked.current;
    const missing = states.filter(({ stateCid }) => !present.states.has(stateCid));
    if (missing.length === 0) return;
    for (const { stateCid } of missing) present.states.add(stateCid);
    const change = (of: (before: Measured) => Measured): void => {
      if (asked.current === present) setMeasured(of);
    };
    const wish = { documentCid: job.post.documentCid, states: missing, testKey: key ?? undefined };
    const add = (point: AccuracyPoint): void =>
      change((before) => ({ ...before, points: [...before.points, point] }));
    measureAccuracy(wish, add).then(
      (count) => change((before) => ({ ...before, count, isDone: true })),
      () => change((before) => ({ ...before, isHidden: true, isDone: true })),
    );
  }, [states.length, key]);
  return { ...measured, isTest: key !== undefined && key !== null };
}

export function AccuracyCurve({ view }: { view: JobView }) {
  const { points, count, isDone, isHidden, isTest } = useAccuracy(view);
  const { job } = view;
  if (points.length === 0)
    return (
      <p class="quiet note" role="status">
        {isDone || isHidden
          ? 'Accuracy after each round cannot be measured here: its records are still hidden, or nobody connected keeps its states.'
          : 'Measuring accuracy after each round here …'}
      </p>
    );
  const sorted = points
    .toSorted((a, b) => a.round - b.round)
    .map(({ round, accuracy }) => ({ x: round + 1, y: accuracy, label: `after round ${round + 1}` }));
  return (
    <>
      <Curve
        points={sorted}
        lastX={job.post.rounds}
        name="Accuracy"
        unit="measured here"
        format={(value) => formatPercent(value, value === 0 || value === 1 ? 0 : 1)}
      />
      <p class="quiet note">
        {isTest
          ? `On ${formatNumber(count || 0)} records of the test set, opened with the key of the job.`
          : `On ${formatNumber(count || 0)} records that it trains on: the test data is hidden until the job is settled.`}
      </p>
    </>
  );
}
