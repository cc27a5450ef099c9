/** Evidence of consensus as Staking takes it, and what Staking answers. Owns no decision and no state. */
import { Interface } from 'ethers';
import { stakingAbi } from '../../contracts/generated/index.ts';
import { evmPublicKey, evmSignature } from '../../core/bls/index.ts';
import { fromHex, type Hex } from '../../core/index.ts';
import {
  type Evidence,
  proposalBlockHash,
  type SignedProposal,
  type SignedVote,
} from '../consensus/index.ts';

const staking = new Interface(stakingAbi);

/** As MessageKind in IStaking.sol. */
const KINDS = ['prevote', 'precommit', 'proposal'] as const;
export type OffenceKind = (typeof KINDS)[number];

export interface Offence {
  /** Index in the set of `height`. */
  readonly validator: number;
  readonly kind: OffenceKind;
  readonly height: number;
  readonly round: number;
}

export function offenceOf({ validator, first }: Evidence): Offence {
  const { height, round } = first;
  return { validator, kind: first.kind === 'vote' ? first.type : 'proposal', height, round };
}

/** Call data of `reportEquivocation`; `publicKey` is the validator's, 48 bytes. */
export function reportCall(evidence: Evidence, publicKey: Uint8Array): Uint8Array {
  const { kind, height, round } = offenceOf(evidence);
  const report = {
    publicKey: evmPublicKey(publicKey),
    kind: KINDS.indexOf(kind),
    height,
    round,
    first: contentOf(evidence.first),
    second: contentOf(evidence.second),
  };
  return fromHex(staking.encodeFunctionData('reportEquivocation', [report]));
}

function contentOf(message: SignedVote | SignedProposal) {
  const signature = evmSignature(message.signature);
  if (message.kind === 'proposal') {
    const blockHash = proposalBlockHash(message);
    return { isBlock: true, blockHash, validRoundPlusOne: message.validRound + 1, signature };
  }
  const blockHash = message.blockHash ?? new Uint8Array(32);
  return { isBlock: message.blockHash !== null, blockHash, validRoundPlusOne: 0, signature };
}

/** Wei that the report slashes. */
export const readSlashed = (output: Uint8Array): bigint =>
  staking.decodeFunctionResult('reportEquivocation', output)[0];

/** Call data of `isPunished`. */
export const punishedCall = (account: Hex, { kind, height, round }: Offence): Uint8Array =>
  fromHex(staking.encodeFunctionData('isPunished', [account, KINDS.indexOf(kind), height, round]));

/** Undefined when no such contract answered. */
export const readPunished = (output: Uint8Array): boolean | undefined =>
  output.length === 32 ? staking.decodeFunctionResult('isPunished', output)[0] : undefined;

/** Name of the error that a revert carries. */
export const refusalOf = (output: Uint8Array): string =>
  (output.length >= 4 ? staking.parseError(output)?.name : undefined) ?? 'unknown';
