/** What a chain node says of itself (`fedai_status`). */

export interface NodeStatus {
  height: number;
  /** Greatest height that peers claim, or the own. */
  bestKnownHeight: number;
  syncing: boolean;
  /** Where the catch-up in progress began; null when there is none. */
  startingHeight: number | null;
  /** The height under vote, its consensus round and step. */
  consensusHeight: number;
  consensusRound: number;
  consensusStep: string;
  /** Whether this node votes at that height. */
  validator: boolean;
  /** From the start of a height to its commit on disk, of the last heights decided here, oldest first. */
  finalityMs: number[];
  /** The heights that `finalityMs` is of. */
  finalityHeights: number[];
  /** Connected peers, chain nodes or not. */
  peers: number;
  peerId: string;
  peerAddresses: string[];
  pendingTransactions: number;
  /** Segments executed again since the start; null where blocks carry no proofs of work. */
  replays: { replays: number; refused: number; kernelFaults: number; replayMs: number } | null;
}

export interface FinalityMeter {
  /** Null (a block taken from a peer) is left out. */
  add(height: number, finalityMs: number | null): void;
  last(): Pick<NodeStatus, 'finalityMs' | 'finalityHeights'>;
}

/** Enough for a median over two minutes of blocks. */
const KEPT = 120;

export function createFinalityMeter(): FinalityMeter {
  const times: { height: number; ms: number }[] = [];
  return {
    add(height, finalityMs) {
      if (finalityMs === null) return;
      times.push({ height, ms: finalityMs });
      if (times.length > KEPT) times.shift();
    },
    last: () => ({
      finalityMs: times.map(({ ms }) => ms),
      finalityHeights: times.map(({ height }) => height),
    }),
  };
}
