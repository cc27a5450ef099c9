/** `/fedai/signed/1`: a validator that starts asks others what they have seen of it. Form and proof are consensus's. */
import type { Log } from '../../core/index.ts';
import { PENALTY } from '../../net/index.ts';
import type { Peer } from '../../storage/index.ts';
import { MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, type Witnesses } from '../consensus/index.ts';
import { SIGNED_PROTOCOL } from './topics.ts';

const ASK_TIMEOUT_MS = 3_000;

export async function serveSigned(
  peer: Pick<Peer, 'requests'>,
  answer: (question: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  await peer.requests.handle(SIGNED_PROTOCOL, (question) => answer(question), {
    maxRequestBytes: MAX_QUESTION_BYTES,
    timeoutMs: 5_000,
    // Each costs a signature.
    perPeerPerSecond: 2,
    perPeerBurst: 10,
    concurrentPerPeer: 2,
    concurrentTotal: 8,
  });
}

export function createWitnesses(
  peer: Pick<Peer, 'requests' | 'scores'>,
  chainPeers: () => string[],
  log: Log,
): Witnesses {
  const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES };
  return {
    async ask(question, take) {
      const one = async (id: string): Promise<void> => {
        try {
          const verdict = take(await peer.requests.request(id, SIGNED_PROTOCOL, question, limits));
          if (verdict.verdict === 'reject') peer.scores.penalise(id, PENALTY.malformed, verdict.reason);
        } catch (error) {
          log.debug('no answer about signed messages', { peer: id, error });
        }
      };
      await Promise.all(chainPeers().map(one));
    },
  };
}
