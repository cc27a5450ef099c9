/** The exact bytes that validators sign. Fixed width, so that no two meanings share one encoding. */
import { concatBytes, uintBytes, utf8 } from '../core/index.ts';

export type VoteType = 'prevote' | 'precommit';

export interface VoteContent {
  chainId: bigint;
  type: VoteType;
  height: number;
  round: number;
  /** 32 bytes, or null for a nil vote. */
  blockHash: Uint8Array | null;
}

const VOTE_DOMAIN = utf8('fedai-vote/1');
const RANDAO_DOMAIN = utf8('fedai-randao/1');

/** Type bytes as in Tendermint's SignedMsgType. */
const VOTE_TYPE_BYTE: Record<VoteType, number> = { prevote: 1, precommit: 2 };

/** domain 12 ‖ chainId 32 ‖ type 1 ‖ height 8 ‖ round 4 ‖ block? 1 ‖ blockHash 32 (zeros when nil) = 90 bytes. */
export function voteSignBytes(vote: VoteContent): Uint8Array {
  return concatBytes(
    VOTE_DOMAIN,
    uintBytes(vote.chainId, 32),
    uintBytes(VOTE_TYPE_BYTE[vote.type], 1),
    uintBytes(vote.height, 8),
    uintBytes(vote.round, 4),
    uintBytes(vote.blockHash === null ? 0 : 1, 1),
    vote.blockHash ?? new Uint8Array(32),
  );
}

/** domain 14 ‖ chainId 32 ‖ height 8: what the proposer of round 0 signs as its share of the beacon. */
export function randaoSignBytes(chainId: bigint, height: number): Uint8Array {
  return concatBytes(RANDAO_DOMAIN, uintBytes(chainId, 32), uintBytes(height, 8));
}
