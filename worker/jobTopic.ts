/** The gossip topic of one job: signed envelopes out, judged messages in. Owns who may say what; not what follows from it. */
import {
  accept,
  type Clock,
  createReplayWindow,
  type Hex,
  ignore,
  openEnvelope,
  reject,
  sealEnvelope,
  type Verdict,
} from '../core/index.ts';
import { type RoundClaim, recoverSigner, roundClaimDigest, type SigningDomain } from '../market/index.ts';
import type { Gossip } from '../net/index.ts';
import { bitmapOf } from './bitmap.ts';
import { decodeMessage, encodeMessage, MAX_MESSAGE_BYTES, type RoundMessage } from './messages.ts';
import type { Claim } from './roundTypes.ts';

export interface JobTopicOptions {
  gossip: Gossip;
  clock: Clock;
  domain: SigningDomain;
  jobId: bigint;
  /** Slot order. */
  workers: readonly Hex[];
  privateKey: Uint8Array;
  /** Sequence numbers go up from here, over restarts too. */
  firstSequence: bigint;
  onMessage: (message: RoundMessage) => void;
}

export interface JobTopic {
  publish(message: RoundMessage): Promise<void>;
  close(): void;
}

/** Envelope and its signature around the largest payload. */
const MAX_ENVELOPE_BYTES = MAX_MESSAGE_BYTES + 512;
/** Messages are repeated every second; what is older says nothing new. Wide enough for clocks that are off by minutes. */
const LIFETIME_MS = 5 * 60_000;
/** Messages of a slot that may arrive out of order. */
const REPLAY_ENTRIES = 256;

export const topicOf = (chainId: bigint, jobId: bigint): string => `/fedai/${chainId}/job/${jobId}/1`;

/** What is signed for a claim, as the contract takes it. */
export const toRoundClaim = (claim: Claim): RoundClaim => ({
  stateRoot: claim.stateRoot,
  stateCid: claim.stateCid,
  contributors: bitmapOf(claim.contributors),
  loss: BigInt(claim.lossQ16),
});

export function joinJobTopic(options: JobTopicOptions): JobTopic {
  const { gossip, clock, domain, jobId } = options;
  const topic = topicOf(domain.chainId, jobId);
  const envelopeDomain = `fedai-round/1/${domain.jobManager}/${jobId}`;
  const replay = createReplayWindow(REPLAY_ENTRIES, options.workers.length);
  let sequence = options.firstSequence;
  gossip.subscribe(topic, async (bytes) => {
    const opened = openEnvelope(bytes, {
      domain: envelopeDomain,
      chainId: domain.chainId,
      nowMs: clock.now(),
      maxBytes: MAX_ENVELOPE_BYTES,
      replay,
      maySend: (signer) => options.workers.includes(signer),
    });
    if (opened.verdict !== 'accept') return opened;
    const message = decodeMessage(opened.payload);
    if (message === undefined) return reject('not a round message');
    const verdict = judge(options, opened.signer, message);
    if (verdict.verdict === 'accept') options.onMessage(message);
    return verdict;
  });
  return {
    async publish(message) {
      sequence += 1n;
      const expiresAtMs = clock.now() + LIFETIME_MS;
      const content = { domain: envelopeDomain, chainId: domain.chainId, sequence, expiresAtMs };
      await gossip.publish(
        topic,
        sealEnvelope({ ...content, payload: encodeMessage(message) }, options.privateKey),
      );
    },
    close: () => gossip.unsubscribe(topic),
  };
}

/** A slot speaks for itself only, and a claim carries the signature that the contract will check. */
function judge({ workers, domain, jobId }: JobTopicOptions, signer: Hex, message: RoundMessage): Verdict {
  const slot = message.kind === 'contribution' ? message.contribution.slot : message.slot;
  if (workers[slot] !== signer) return reject('another slot than the sender has');
  if (message.kind === 'contribution') return accept;
  if (message.claim.contributors.some((contributor) => contributor >= workers.length)) {
    return reject('a contributor that is no slot');
  }
  try {
    const digest = roundClaimDigest(domain, jobId, message.claim.round, toRoundClaim(message.claim));
    return recoverSigner(digest, message.signature) === signer
      ? accept
      : reject('claim signed by another key');
  } catch {
    return ignore('claim with a signature that recovers to nobody');
  }
}
