/** What an evaluator counts: its duties, how long scoring takes, and its pay, read off the events that it tells. */
import { type Clock, type Metrics, steadyClock } from '../core/index.ts';
import { trainOf } from '../market/index.ts';
import type { EvaluatorEvent } from './context.ts';

type OnEvent = (event: EvaluatorEvent) => void;

/** Passes events on; each is counted first. */
export function measureEvaluator(metrics: Metrics, onEvent: OnEvent, clock: Clock = steadyClock): OnEvent {
  /** When each job that is not settled drew this evaluator. */
  const drawnMs = new Map<bigint, number>();
  metrics.gauge(
    'fedai_evaluator_jobs',
    'Jobs that drew this evaluator and that are not settled.',
    () => drawnMs.size,
  );
  const events = metrics.counter('fedai_evaluator_jobs_total', 'Jobs by what happened to them here.', [
    'event',
  ]);
  const scores = metrics.counter('fedai_evaluator_scores_total', 'Scores, by verdict.', ['verdict']);
  const seconds = metrics.histogram(
    'fedai_evaluator_score_seconds',
    'From the draw to the score: keys, content and scoring.',
  );
  const pay = metrics.counter('fedai_evaluator_pay_train_total', 'TRAIN withdrawn as pay.');
  const countAudit = auditMeter(metrics);
  return (event) => {
    if (event.type === 'withdrawn') pay.add({}, trainOf(event.amount));
    else if ('traceId' in event) countAudit(event);
    else events.add({ event: event.type });
    if (event.type === 'drawn') drawnMs.set(event.jobId, clock.now());
    if (event.type === 'scored') {
      scores.add({ verdict: event.verdict });
      const since = drawnMs.get(event.jobId);
      if (since !== undefined) seconds.observe((clock.now() - since) / 1000);
    }
    if (event.type === 'settled') drawnMs.delete(event.jobId);
    onEvent(event);
  };
}

type AuditEvent = Extract<EvaluatorEvent, { traceId: bigint }>;

function auditMeter(metrics: Metrics): (event: AuditEvent) => void {
  const audits = metrics.counter(
    'fedai_evaluator_audits_total',
    'Audits of traces by what happened to them here (drawn, audited, withheld, faulty, committed, revealed, challenged) and by how they ended.',
    ['event'],
  );
  const seconds = metrics.histogram(
    'fedai_evaluator_audit_replay_seconds',
    'Time to execute one segment of a trace again.',
  );
  return (event) => {
    if (event.type === 'auditReplayed') seconds.observe(event.ms / 1000);
    else audits.add({ event: auditLabel(event) });
  };
}

function auditLabel(event: Exclude<AuditEvent, { type: 'auditReplayed' }>): string {
  if (event.type === 'auditSettled') return event.state.toLowerCase();
  if (event.type !== 'audited') return event.type.replace(/^audit/, '').toLowerCase();
  if (event.withheld) return 'withheld';
  return event.faults.length > 0 ? 'faulty' : 'audited';
}
