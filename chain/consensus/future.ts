/** Messages of the next height that came before this node is there: bounded in all and for each peer, unverified. */
import type { ConsensusMessage, SignedVote } from './messages.ts';

/** A height is some messages a validator; what is lost here is sent again while the height stalls. */
const MAX_FOR_PEER = 64;
const MAX_IN_ALL = 2048;

export interface FutureMessages {
  readonly size: number;
  /** False when there is no room. */
  add(message: ConsensusMessage, from: string): boolean;
  /** What is said to be votes of this validator, the latest first. */
  votesOf(validator: number): SignedVote[];
  /** Removes all, answers those of `height`. */
  take(height: number): { message: ConsensusMessage; from: string }[];
}

export function createFutureMessages(): FutureMessages {
  let kept: { message: ConsensusMessage; from: string }[] = [];
  let perPeer = new Map<string, number>();
  return {
    get size() {
      return kept.length;
    },
    add(message, from) {
      const count = perPeer.get(from) ?? 0;
      if (count >= MAX_FOR_PEER || kept.length >= MAX_IN_ALL) return false;
      perPeer.set(from, count + 1);
      kept.push({ message, from });
      return true;
    },
    votesOf: (validator) =>
      kept
        .flatMap(({ message }) =>
          message.kind === 'vote' && message.validator === validator ? [message] : [],
        )
        .reverse(),
    take(height) {
      const due = kept.filter(({ message }) => message.height === height);
      kept = [];
      perPeer = new Map();
      return due;
    },
  };
}
