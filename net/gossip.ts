/** Topics: small messages to everyone who listens. Every message gets its handler's verdict before it is passed on; rejects cost the neighbour that sent it. */
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import { FedaiError, type Log, type Metrics, noMetrics, steadyClock, type Verdict } from '../core/index.ts';
import { GOSSIP_BURST, GOSSIP_PER_PEER_PER_SECOND, MAX_GOSSIP_BYTES } from './limits.ts';
import { countVerdicts } from './metrics.ts';
import { createRateLimiter } from './rate.ts';
import { PENALTY, type PeerScores } from './scores.ts';

/** `from` is the neighbour that passed the message on, not its author. */
export type GossipHandler = (message: Uint8Array, from: string) => Promise<Verdict>;

export interface Gossip {
  subscribe(topic: string, handler: GossipHandler): void;
  unsubscribe(topic: string): void;
  /** Sends to the topic; answers to how many neighbours. The same bytes twice within two minutes are sent once. */
  publish(topic: string, message: Uint8Array): Promise<number>;
  /** Peer ids of neighbours that listen to the topic. */
  listeners(topic: string): string[];
}

export function createGossip(
  gossipsub: GossipSub,
  scores: PeerScores,
  log: Log,
  metrics: Metrics = noMetrics,
): Gossip {
  const count = countVerdicts(metrics);
  const rate = createRateLimiter({ perSecond: GOSSIP_PER_PEER_PER_SECOND, burst: GOSSIP_BURST });

  async function judge(handler: GossipHandler, message: Uint8Array, from: string): Promise<Verdict> {
    if (message.length > MAX_GOSSIP_BYTES) return { verdict: 'reject', reason: 'message is too large' };
    if (!rate.take(from, steadyClock.now())) {
      scores.penalise(from, PENALTY.flooding, 'gossip over the rate limit');
      return { verdict: 'ignore', reason: 'over the rate limit' };
    }
    try {
      return await handler(message, from);
    } catch (error) {
      // A fault of ours: the sender is not blamed for it.
      log.error('gossip handler failed', { error });
      return { verdict: 'ignore', reason: 'handler failed' };
    }
  }

  return {
    subscribe(topic, handler) {
      gossipsub.topicValidators.set(topic, async (peer, message) => {
        const from = peer.toString();
        const result = await judge(handler, message.data, from);
        count(topic, result.verdict, message.data.length);
        if (result.verdict === 'accept') return TopicValidatorResult.Accept;
        if (result.verdict === 'ignore') return TopicValidatorResult.Ignore;
        scores.penalise(from, PENALTY.rejected, result.reason);
        log.debug('gossip rejected', { topic, from, reason: result.reason });
        return TopicValidatorResult.Reject;
      });
      gossipsub.subscribe(topic);
    },
    unsubscribe(topic) {
      gossipsub.unsubscribe(topic);
      gossipsub.topicValidators.delete(topic);
    },
    async publish(topic, message) {
      if (message.length > MAX_GOSSIP_BYTES) {
        throw new FedaiError('TOO_LARGE', 'gossip message is too large', {
          got: message.length,
          expected: `<= ${MAX_GOSSIP_BYTES} bytes`,
        });
      }
      return (await gossipsub.publish(topic, message)).recipients.length;
    },
    listeners: (topic) => gossipsub.getSubscribers(topic).map(String),
  };
}
