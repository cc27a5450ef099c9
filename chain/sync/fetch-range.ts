/** Fetches one range of final blocks from one peer, in order and no others; what a peer does wrong costs it. */
import { FedaiError } from '../../core/index.ts';
import { PENALTY } from '../../net/index.ts';
import { BLOCKS_PROTOCOL } from '../network/index.ts';
import {
  decodeFinalBlock,
  encodeRange,
  type FinalBlock,
  MAX_RANGE_ANSWER_BYTES,
  MAX_RANGE_BLOCKS,
} from './messages.ts';
import type { SyncInput } from './sync.ts';

export interface Fetched {
  from: string;
  /** Of the heights asked for, without a gap; not yet verified. */
  blocks: FinalBlock[];
  /** False when the answer broke off, or went on with what was not asked for. */
  whole: boolean;
}

const RANGE_TIMEOUT_MS = 10_000;

/** By code; what `net/` blames itself is not here. A busy peer may be slow, not again and again. */
const BLAME: Record<string, { points: number; reason: string }> = {
  BAD_RLP: { points: PENALTY.malformed, reason: 'malformed blocks' },
  OTHER_BLOCKS: { points: PENALTY.malformed, reason: 'sent other blocks than asked for' },
  REQUEST_TIMEOUT: { points: PENALTY.slow, reason: 'blocks that do not come in time' },
  TRUNCATED: { points: PENALTY.slow, reason: 'an answer that breaks off' },
  NOTHING: { points: PENALTY.slow, reason: 'claims blocks that it does not hand out' },
};

/** Blocks from height `first` on that peer `id` claims to have. Throws nothing. */
export async function fetchRange(
  { peer, common, log }: SyncInput,
  { id, first }: { id: string; first: number },
  signal: AbortSignal,
): Promise<Fetched> {
  const limits = { timeoutMs: RANGE_TIMEOUT_MS, maxBytes: 2 * MAX_RANGE_ANSWER_BYTES, signal };
  const request = encodeRange({ from: first, count: MAX_RANGE_BLOCKS });
  const blocks: FinalBlock[] = [];
  try {
    for await (const frame of peer.requests.requestFrames(id, BLOCKS_PROTOCOL, request, limits)) {
      const one = decodeFinalBlock(frame, common);
      const got = one.block.header.number;
      if (blocks.length === MAX_RANGE_BLOCKS || got !== BigInt(first + blocks.length))
        throw new FedaiError('OTHER_BLOCKS', 'not the block asked for', { got, first, count: blocks.length });
      blocks.push(one);
    }
    if (blocks.length === 0) throw new FedaiError('NOTHING', 'no block of a height that the peer claims');
    return { from: id, blocks, whole: true };
  } catch (error) {
    const blame = error instanceof FedaiError ? BLAME[error.code] : undefined;
    if (blame !== undefined) peer.scores.penalise(id, blame.points, blame.reason);
    log.debug('range of blocks not whole', { peer: id, first, got: blocks.length, error });
    // What came whole before a break is as good as ever.
    return { from: id, blocks, whole: false };
  }
}
