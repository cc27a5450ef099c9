/** What peers have done wrong lately, one number each: gossip and streams both write it, gossipsub and the connection gate read it. */
import { type Clock, steadyClock } from '../core/index.ts';

/** A misdeed halves every minute, so that an honest peer with one bug comes back. */
const HALF_LIFE_MS = 60_000;
/** Ten rejected messages within a minute end a connection. */
const BAN_SCORE = -100;
const BAN_MS = 5 * 60_000;
const MAX_PEERS = 4_096;

/** Points of each misdeed. */
export const PENALTY = {
  /** A message or answer that no honest peer sends. */
  rejected: 10,
  /** Broken framing or more bytes than agreed. */
  malformed: 20,
  /** A forged proof: nothing honest explains it. */
  forged: 100,
  /** A request or an answer that is not done in its time: the peer may be busy, but not again and again. */
  slow: 5,
  /** Over the rate limit; small, because a burst may be honest. */
  flooding: 1,
} as const;

export interface PeerScores {
  /** 0 for a peer in good standing, below 0 after misdeeds. */
  score(peer: string): number;
  penalise(peer: string, points: number, reason: string): void;
  isBanned(peer: string): boolean;
  /** Called once when a peer falls below the ban score. */
  onBan(callback: (peer: string, reason: string) => void): void;
}

interface Standing {
  score: number;
  atMs: number;
  bannedUntilMs: number;
}

export function createPeerScores(clock: Clock = steadyClock): PeerScores {
  const standings = new Map<string, Standing>();
  const callbacks: ((peer: string, reason: string) => void)[] = [];
  const decayed = (standing: Standing, nowMs: number) =>
    standing.score * 0.5 ** (Math.max(0, nowMs - standing.atMs) / HALF_LIFE_MS);
  const isBanned = (peer: string) => (standings.get(peer)?.bannedUntilMs ?? 0) > clock.now();

  return {
    score(peer) {
      const standing = standings.get(peer);
      return standing === undefined ? 0 : decayed(standing, clock.now());
    },
    penalise(peer, points, reason) {
      const nowMs = clock.now();
      const before = standings.get(peer) ?? { score: 0, atMs: nowMs, bannedUntilMs: 0 };
      const after = { ...before, score: decayed(before, nowMs) - points, atMs: nowMs };
      const bans = after.score <= BAN_SCORE && before.bannedUntilMs <= nowMs;
      if (bans) after.bannedUntilMs = nowMs + BAN_MS;
      standings.delete(peer);
      standings.set(peer, after);
      if (standings.size > MAX_PEERS) standings.delete(standings.keys().next().value!);
      if (bans) for (const callback of callbacks) callback(peer, reason);
    },
    isBanned,
    onBan(callback) {
      callbacks.push(callback);
    },
  };
}
