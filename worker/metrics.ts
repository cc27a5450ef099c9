/** What a worker counts: its jobs, its training rounds and its pay, read off the events that it tells. */
import { type Clock, type Metrics, steadyClock } from '../core/index.ts';
import { trainOf } from '../market/index.ts';
import type { WorkerEvent } from './context.ts';

type OnEvent = (event: WorkerEvent) => void;

interface JobView {
  slot: number;
  /** When the round in progress began, and when the own share of it was trained. */
  roundMs: number;
  trainedMs: number | undefined;
}

/** Passes events on; each is counted first. */
export function measureWorker(metrics: Metrics, onEvent: OnEvent, clock: Clock = steadyClock): OnEvent {
  const jobs = new Map<bigint, JobView>();
  metrics.gauge(
    'fedai_worker_jobs',
    'Jobs that this worker is assigned to and that are not settled.',
    () => jobs.size,
  );
  const events = metrics.counter('fedai_worker_jobs_total', 'Jobs by what happened to them here.', ['event']);
  const pay = metrics.counter('fedai_worker_pay_train_total', 'TRAIN withdrawn as pay.');
  const count = roundMeter(metrics, clock);
  return (event) => {
    if (event.type === 'withdrawn') pay.add({}, trainOf(event.amount));
    else if (event.type === 'trained' || event.type === 'fixed') count(event, jobs.get(event.jobId));
    else events.add({ event: event.type });
    if (event.type === 'assigned') {
      jobs.set(event.jobId, { slot: event.slot, roundMs: clock.now(), trainedMs: undefined });
    }
    if (event.type === 'settled') jobs.delete(event.jobId);
    onEvent(event);
  };
}

type RoundEvent = Extract<WorkerEvent, { type: 'trained' | 'fixed' }>;

function roundMeter(metrics: Metrics, clock: Clock): (event: RoundEvent, job: JobView | undefined) => void {
  const rounds = metrics.counter(
    'fedai_worker_rounds_total',
    'Training rounds that were fixed, by whether this worker is in them (contributed, missed).',
    ['outcome'],
  );
  const steps = metrics.counter('fedai_worker_steps_total', 'Training steps done.');
  const speed = metrics.histogram(
    'fedai_worker_samples_per_second',
    'Samples trained a second, one value a round.',
    {
      buckets: [10, 100, 1_000, 10_000, 100_000, 1_000_000],
    },
  );
  const stages = metrics.histogram(
    'fedai_worker_round_stage_seconds',
    'Time of a stage of a round: train (to the end of the own share), agree (from there until it is fixed).',
    { labels: ['stage'] },
  );
  return (event, job) => {
    const nowMs = clock.now();
    if (event.type === 'trained') {
      steps.add({}, event.steps);
      speed.observe(event.samplesPerSecond);
      if (job === undefined) return;
      stages.observe((nowMs - job.roundMs) / 1000, { stage: 'train' });
      job.trainedMs = nowMs;
      return;
    }
    if (job === undefined) return;
    rounds.add({ outcome: event.contributors.includes(job.slot) ? 'contributed' : 'missed' });
    if (job.trainedMs !== undefined) stages.observe((nowMs - job.trainedMs) / 1000, { stage: 'agree' });
    job.roundMs = nowMs;
    job.trainedMs = undefined;
  };
}
