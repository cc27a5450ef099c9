/** Token buckets by sender. Time is an argument, so the rules can be simulated. */

export interface RateLimit {
  perSecond: number;
  burst: number;
}

export interface RateLimiter {
  /** Takes one token of `sender`; false when it has none left at `nowMs`. */
  take(sender: string, nowMs: number): boolean;
}

/** At most `maxSenders` are remembered; the one idle longest is forgotten first. */
export function createRateLimiter(limit: RateLimit, maxSenders = 1_024): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(sender, nowMs) {
      const bucket = buckets.get(sender) ?? { tokens: limit.burst, atMs: nowMs };
      const refill = (Math.max(0, nowMs - bucket.atMs) / 1_000) * limit.perSecond;
      const tokens = Math.min(limit.burst, bucket.tokens + refill);
      const allowed = tokens >= 1;
      buckets.delete(sender);
      buckets.set(sender, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs });
      if (buckets.size > maxSenders) buckets.delete(buckets.keys().next().value!);
      return allowed;
    },
  };
}
