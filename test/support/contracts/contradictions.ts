/** Contradicting messages of a validator, signed as the consensus client signs them, in the form that Staking takes. */
import { proposalSignBytes } from '../../../chain/consensus/messages.ts';
import { blsPublicKey, blsSign, evmPublicKey, evmSignature } from '../../../core/bls/index.ts';
import { sha256, utf8 } from '../../../core/index.ts';
import { voteSignBytes } from '../../../light/index.ts';

export const KIND = { prevote: 0, precommit: 1, proposal: 2 } as const;

export interface Said {
  /** null: nil. */
  readonly blockHash: Uint8Array | null;
  /** Of proposals; −1 by default. */
  readonly validRound?: number;
}

export interface Contradiction {
  readonly secret: Uint8Array;
  readonly kind: keyof typeof KIND;
  readonly height: number;
  readonly round?: number;
  readonly first?: Said;
  readonly second?: Said;
  readonly chainId?: bigint;
}

export const blockHash = (label: string): Uint8Array => sha256(utf8(label));

/** Struct Equivocation of IStaking.sol. */
export function contradiction(wish: Contradiction) {
  const { secret, kind, height, round = 0, chainId = 31_337n } = wish;
  const say = ({ blockHash, validRound = -1 }: Said) => {
    const signBytes =
      kind === 'proposal'
        ? proposalSignBytes(chainId, { height, round, validRound }, blockHash!)
        : voteSignBytes({ chainId, type: kind, height, round, blockHash });
    return {
      isBlock: blockHash !== null,
      blockHash: blockHash ?? new Uint8Array(32),
      validRoundPlusOne: kind === 'proposal' ? validRound + 1 : 0,
      signature: evmSignature(blsSign(signBytes, secret)),
    };
  };
  return {
    publicKey: evmPublicKey(blsPublicKey(secret)),
    kind: KIND[kind],
    height,
    round,
    first: say(wish.first ?? { blockHash: blockHash('one block') }),
    second: say(wish.second ?? { blockHash: blockHash('another') }),
  };
}
