/** Remembers which sequence numbers each sender has used, in bounded memory. */

export interface ReplayWindow {
  /** Whether `sequence` of `sender` is new; if so it counts as used from now on. */
  admit(sender: string, sequence: bigint): boolean;
}

interface SenderState {
  highest: bigint;
  seen: Set<bigint>;
}

/**
 * A sliding window of `perSenderEntries` sequence numbers below each sender's highest, for at most `maxSenders` senders.
 * The sender heard least recently is forgotten first: its old messages are then held off by their expiry alone.
 */
export function createReplayWindow(perSenderEntries: number, maxSenders: number): ReplayWindow {
  const senders = new Map<string, SenderState>();
  const width = BigInt(perSenderEntries);
  return {
    admit(sender, sequence) {
      const state = senders.get(sender) ?? { highest: -1n, seen: new Set<bigint>() };
      if (sequence <= state.highest - width || state.seen.has(sequence)) return false;
      state.seen.add(sequence);
      if (sequence > state.highest) {
        state.highest = sequence;
        for (const old of state.seen) if (old <= sequence - width) state.seen.delete(old);
      }
      senders.delete(sender);
      senders.set(sender, state);
      if (senders.size > maxSenders) senders.delete(senders.keys().next().value!);
      return true;
    },
  };
}
