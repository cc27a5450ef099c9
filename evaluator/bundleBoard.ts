/**
 * Which bundles are offered for the segments under audit here, as heard on the topic of proofs. Bounded: only awaited
 * segments, and few bundles of each. Owns no fetching.
 */
import { accept, ignore, reject, type Verdict } from '../core/index.ts';
import { decodeAnnouncement } from '../pouw/index.ts';

export interface BundleBoard {
  hear(message: Uint8Array): Verdict;
  /** Listens for bundles of these segments from now on. */
  expect(traceId: bigint, segments: readonly number[]): void;
  /** Bundles offered for a segment and not struck off, in the order in which they came. */
  offered(traceId: bigint, segment: number): readonly string[];
  /** It is not a bundle of that segment. */
  strike(traceId: bigint, segment: number, bundle: string): void;
  forget(traceId: bigint): void;
}

/** Only one can be right, but it may come after wrong ones. */
const MAX_OFFERED = 8;

/** `onOffer`: a bundle that was not offered before. */
export function createBundleBoard(onOffer: () => void): BundleBoard {
  const awaited = new Map<bigint, Map<number, Map<string, 'offered' | 'struck'>>>();
  return {
    hear(message) {
      const announcement = decodeAnnouncement(message);
      if (announcement === undefined) return reject('not an announcement of work');
      // Whoever passes on the others must have proven them.
      if (announcement.format !== 'fedai-audit/1') return ignore('not for auditors');
      const offers = awaited.get(BigInt(announcement.traceId))?.get(announcement.segment);
      if (offers === undefined) return ignore('not under audit here');
      const { bundle } = announcement;
      if (offers.size >= MAX_OFFERED && !offers.has(bundle)) return ignore('enough bundles for this segment');
      if (!offers.has(bundle)) {
        offers.set(bundle, 'offered');
        onOffer();
      }
      return accept;
    },
    expect(traceId, segments) {
      if (!awaited.has(traceId))
        awaited.set(traceId, new Map(segments.map((segment) => [segment, new Map()])));
    },
    offered(traceId, segment) {
      const offers = awaited.get(traceId)?.get(segment) ?? [];
      return [...offers].flatMap(([bundle, state]) => (state === 'offered' ? [bundle] : []));
    },
    strike: (traceId, segment, bundle) => void awaited.get(traceId)?.get(segment)?.set(bundle, 'struck'),
    forget: (traceId) => void awaited.delete(traceId),
  };
}
