/**
 * Which bundles are offered for the segments under audit here, as heard on the topic of proofs. Bounded: only awaited
 * segments, and few bundles of each. Owns no fetching.
 */
import { accept, type Hex, ignore, reject, type Verdict } from '../core/index.ts';
import { announcerOf, decodeAnnouncement } from '../pouw/index.ts';

export interface BundleBoard {
  /** `from`: the peer that passed it on. */
  hear(message: Uint8Array, from: string): Verdict;
  /** Listens for bundles of these segments from now on, as the trace's worker tells them. */
  expect(trace: { id: bigint; worker: Hex }, segments: readonly number[]): void;
  /** Bundles offered for a segment and not struck off, in the order in which they came. */
  offered(traceId: bigint, segment: number): readonly Offer[];
  /** It is not a bundle of that segment. */
  strike(traceId: bigint, segment: number, bundle: string): void;
  forget(traceId: bigint): void;
}

export interface Offer {
  /** Content id. */
  readonly bundle: string;
  /** Peer id of who told it first: mostly the worker itself. */
  readonly from: string;
}

/** Only one can be right; a worker that tells more of its own segment gains nothing. */
const MAX_OFFERED = 8;

interface Awaited {
  worker: Hex;
  offers: Map<number, Map<string, { from: string; isStruck: boolean }>>;
}

/** `onOffer`: a bundle that was not offered before. */
export function createBundleBoard(chainId: bigint, onOffer: () => void): BundleBoard {
  const awaited = new Map<bigint, Awaited>();
  return {
    hear(message, from) {
      const announcement = decodeAnnouncement(message);
      if (announcement === undefined) return reject('not an announcement of work');
      // Whoever passes on the others must have proven them.
      if (announcement.format !== 'fedai-audit/2') return ignore('not for auditors');
      const trace = awaited.get(BigInt(announcement.traceId));
      const offers = trace?.offers.get(announcement.segment);
      if (trace === undefined || offers === undefined) return ignore('not under audit here');
      const { bundle } = announcement;
      if (offers.has(bundle)) return accept;
      if (offers.size >= MAX_OFFERED) return ignore('enough bundles for this segment');
      const announcer = announcerOf(chainId, announcement);
      if (announcer === undefined) return reject("nobody's signature");
      if (announcer !== trace.worker) return reject('not told by the worker of the trace');
      offers.set(bundle, { from, isStruck: false });
      onOffer();
      return accept;
    },
    expect({ id, worker }, segments) {
      if (awaited.has(id)) return;
      awaited.set(id, { worker, offers: new Map(segments.map((segment) => [segment, new Map()])) });
    },
    offered(traceId, segment) {
      const offers = awaited.get(traceId)?.offers.get(segment) ?? [];
      return [...offers].flatMap(([bundle, { from, isStruck }]) => (isStruck ? [] : [{ bundle, from }]));
    },
    strike(traceId, segment, bundle) {
      const offer = awaited.get(traceId)?.offers.get(segment)?.get(bundle);
      if (offer !== undefined) offer.isStruck = true;
    },
    forget: (traceId) => void awaited.delete(traceId),
  };
}
