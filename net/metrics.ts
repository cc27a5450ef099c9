/** What the network counts: verdicts on gossip, requests asked and served, and their bytes. No label holds a peer or a job. */
import type { Metrics, Verdict } from '../core/index.ts';

/** Called once for each exchange; bytes only of one that went well. */
export type CountExchange = (result: string, bytes?: { receivedBytes: number; sentBytes: number }) => void;

const TOPICS: readonly string[] = ['consensus', 'tx', 'job'];
/** The kind of topic: its numbers (chain, job) would make a series each. */
const kindOf = (topic: string): string => topic.split('/').find((part) => TOPICS.includes(part)) ?? 'other';

export function countVerdicts(
  metrics: Metrics,
): (topic: string, verdict: Verdict['verdict'], bytes: number) => void {
  const messages = metrics.counter(
    'fedai_gossip_messages_total',
    'Messages that neighbours passed on, by topic and verdict.',
    ['topic', 'verdict'],
  );
  const received = metrics.counter('fedai_gossip_received_bytes_total', 'Bytes of these messages.', [
    'topic',
  ]);
  return (name, verdict, bytes) => {
    const topic = kindOf(name);
    messages.add({ topic, verdict });
    received.add({ topic }, bytes);
  };
}

export function countRequests(metrics: Metrics): {
  served: (protocol: string) => CountExchange;
  asked: (protocol: string) => CountExchange;
} {
  const requests = metrics.counter(
    'fedai_requests_total',
    'Requests over streams, by side (asked, served), protocol and result (ok or an error code).',
    ['side', 'protocol', 'result'],
  );
  const moved = metrics.counter(
    'fedai_request_bytes_total',
    'Bytes of requests that went well, by side, protocol and direction.',
    ['side', 'protocol', 'direction'],
  );
  const of =
    (side: string) =>
    (protocol: string): CountExchange =>
    (result, bytes) => {
      requests.add({ side, protocol, result });
      if (bytes === undefined) return;
      moved.add({ side, protocol, direction: 'received' }, bytes.receivedBytes);
      moved.add({ side, protocol, direction: 'sent' }, bytes.sentBytes);
    };
  return { served: of('served'), asked: of('asked') };
}
