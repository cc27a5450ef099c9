/** Which peer claims to be how far, and which one to ask next. Pure; what a claim rests on is sync.ts's. */

interface Claim {
  height: number;
  /** Greatest height that the peer proved to be final. */
  proven: number;
  /** Not asked again before this time, after it failed to deliver. */
  restingUntilMs: number;
  failures: number;
}

export interface PeerHeights {
  claim(peer: string, height: number): void;
  /** As `claim`, with a commit that verifies. */
  prove(peer: string, height: number): void;
  /** Only proofs count: what anybody may say must not make a node believe that it is behind. */
  bestProven(): number;
  /** The peer did not deliver: rest it, longer each time. */
  failed(peer: string, nowMs: number): void;
  delivered(peer: string): void;
  forget(peer: string): void;
  /** Forgets everyone else: peers that went away. */
  keep(peers: readonly string[]): void;
  /** The greatest height that a peer who is not resting claims. */
  best(nowMs: number): number;
  /** What the peer claims or proved; undefined where it said nothing. */
  of(peer: string): number | undefined;
  /** Peers that claim at least `height` and are not resting. */
  at(height: number, nowMs: number): string[];
}

const FIRST_REST_MS = 1_000;
const LAST_REST_MS = 60_000;

export function createPeerHeights(): PeerHeights {
  const claims = new Map<string, Claim>();
  /** Outlives the peer that brought it: what is proven stays true. */
  let bestProven = 0;
  const claim = (peer: string, height: number): Claim => {
    const known = claims.get(peer) ?? { height, proven: 0, restingUntilMs: 0, failures: 0 };
    claims.set(peer, known);
    known.height = Math.max(known.height, height);
    return known;
  };
  return {
    claim: (peer, height) => void claim(peer, height),
    prove(peer, height) {
      const known = claim(peer, height);
      known.proven = Math.max(known.proven, height);
      bestProven = Math.max(bestProven, height);
    },
    bestProven: () => bestProven,
    failed(peer, nowMs) {
      const claim = claims.get(peer);
      if (claim === undefined) return;
      claim.failures++;
      // What was only said is forgotten; it can be said again.
      claim.height = claim.proven;
      claim.restingUntilMs = nowMs + Math.min(LAST_REST_MS, FIRST_REST_MS * 2 ** (claim.failures - 1));
    },
    delivered(peer) {
      const claim = claims.get(peer);
      if (claim !== undefined) claim.failures = 0;
    },
    forget: (peer) => void claims.delete(peer),
    keep(peers) {
      const kept = new Set(peers);
      for (const peer of claims.keys()) if (!kept.has(peer)) claims.delete(peer);
    },
    best(nowMs) {
      let best = 0;
      for (const claim of claims.values()) {
        if (claim.restingUntilMs <= nowMs) best = Math.max(best, claim.height);
      }
      return best;
    },
    of: (peer) => claims.get(peer)?.height,
    at: (height, nowMs) =>
      [...claims]
        .filter(([, claim]) => claim.height >= height && claim.restingUntilMs <= nowMs)
        .map(([peer]) => peer),
  };
}
