/** Which peer claims to be how far, and which one to ask next. Pure; claims are proved by the blocks alone. */

interface Claim {
  height: number;
  /** Not asked again before this time, after it failed to deliver. */
  restingUntilMs: number;
  failures: number;
}

export interface PeerHeights {
  claim(peer: string, height: number): void;
  /** The peer did not deliver: rest it, longer each time. */
  failed(peer: string, nowMs: number): void;
  delivered(peer: string): void;
  forget(peer: string): void;
  /** Forgets everyone else: peers that went away. */
  keep(peers: readonly string[]): void;
  /** The greatest height that a peer who is not resting claims. */
  best(nowMs: number): number;
  /** Peers that claim at least `height` and are not resting. */
  at(height: number, nowMs: number): string[];
}

const FIRST_REST_MS = 1_000;
const LAST_REST_MS = 60_000;

export function createPeerHeights(): PeerHeights {
  const claims = new Map<string, Claim>();
  return {
    claim(peer, height) {
      const known = claims.get(peer);
      if (known === undefined) claims.set(peer, { height, restingUntilMs: 0, failures: 0 });
      else known.height = Math.max(known.height, height);
    },
    failed(peer, nowMs) {
      const claim = claims.get(peer);
      if (claim === undefined) return;
      claim.failures++;
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
    at: (height, nowMs) =>
      [...claims]
        .filter(([, claim]) => claim.height >= height && claim.restingUntilMs <= nowMs)
        .map(([peer]) => peer),
  };
}
