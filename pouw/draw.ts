/**
 * The draw of a work height: which committed traces are opened, and which segment of each. The same rule as
 * contracts/libraries/WorkDraw.sol, from the same numbers. See docs/protocol/useful-work.md.
 */
import { uintBytes } from '../core/index.ts';
import { hashedWords } from './words.ts';

/** A committed trace as far as the draw sees it. */
export interface WeighedTrace {
  /** Money burned for it, wei; 0 keeps it out. */
  readonly weight: bigint;
  readonly traceRoot: Uint8Array;
  readonly segments: number;
}

export interface Drawn {
  /** Position among the traces given. */
  readonly index: number;
  readonly segment: number;
}

export interface DrawInput {
  readonly chainId: bigint;
  /** mixHash of the block before the work height, 32 bytes. */
  readonly beacon: Uint8Array;
  /** In the order in which the chain recorded them. */
  readonly traces: readonly WeighedTrace[];
  /** Traces drawn at most (K). */
  readonly ranks: number;
}

/** Ranked without replacement, proportional to burned money: first come, first paid. Empty when nothing has weight. */
export function drawWork({ chainId, beacon, traces, ranks }: DrawInput): Drawn[] {
  const drawn: Drawn[] = [];
  const left = new Set([...traces.keys()].filter((index) => traces[index]!.weight > 0n));
  let total = traces.reduce((sum, { weight }) => sum + weight, 0n);
  for (let rank = 0; rank < ranks && left.size > 0; rank++) {
    let ticket =
      hashedWords('fedai-work-draw/1', uintBytes(chainId, 32), beacon, uintBytes(rank, 32)) % total;
    for (const index of left) {
      const { weight, traceRoot, segments } = traces[index]!;
      if (ticket >= weight) {
        ticket -= weight;
        continue;
      }
      const segment =
        hashedWords('fedai-work-segment/1', beacon, uintBytes(rank, 32), traceRoot) % BigInt(segments);
      drawn.push({ index, segment: Number(segment) });
      left.delete(index);
      total -= weight;
      break;
    }
  }
  return drawn;
}
