/**
 * Judges messages of peers for the height in progress: form, signer, signature. Only what is accepted reaches the
 * machine; what no correct peer would pass on is rejected, so that it costs its sender.
 */
import {
  accept,
  type Clock,
  equalBytes,
  ignore,
  keccak256,
  reject,
  toHex,
  type Verdict,
} from '../../core/index.ts';
import { decodeSection, headerFields, voteSignBytes } from '../../light/index.ts';
import type { BatchVerifier } from './batch.ts';
import type { HeightContext } from './height.ts';
import {
  type ConsensusMessage,
  proposalBlockHash,
  proposalSignBytes,
  type SignedProposal,
  type SignedVote,
} from './messages.ts';
import type { HeightRun } from './run.ts';

export interface Intake {
  judge(run: HeightRun, message: ConsensusMessage, from: string): Promise<Verdict>;
}

/** Signatures of one peer that wait to be verified; a peer that sends faster is dropped, not queued. */
const MAX_PENDING_FOR_PEER = 128;
/** A proposer's clock may run ahead this far; blocks from further in the future are not voted for. */
const MAX_CLOCK_DRIFT_MS = 10_000;
/** A message sent again is passed on again, but no faster than this. */
const RELAY_INTERVAL_MS = 500;
const MAX_RELAY_ENTRIES = 4096;

export function createIntake(deps: { chainId: bigint; clock: Clock; batch: BatchVerifier }): Intake {
  const { chainId, clock, batch } = deps;
  const pending = new Map<string, number>();
  const mayRelay = createRelayLimit(clock);

  const verified = async (message: ConsensusMessage, publicKey: Uint8Array, from: string) => {
    const count = pending.get(from) ?? 0;
    if (count >= MAX_PENDING_FOR_PEER) return undefined;
    pending.set(from, count + 1);
    try {
      return await batch.verify({
        message: signBytesOf(chainId, message),
        publicKey,
        signature: message.signature,
      });
    } finally {
      const left = (pending.get(from) ?? 1) - 1;
      if (left === 0) pending.delete(from);
      else pending.set(from, left);
    }
  };

  return {
    async judge(run, message, from) {
      const form =
        message.kind === 'vote' ? voteForm(message, run.context) : proposalForm(message, run, clock);
      if (form.verdict !== 'accept') return form;
      if (run.book.has(message)) {
        if (message.kind === 'proposal') run.fetchProposed(message, from);
        return message.attempt > 0 && mayRelay(message) ? accept : ignore('known');
      }
      const signer =
        message.kind === 'vote' ? message.validator : run.context.machine.proposer(message.round);
      const valid = await verified(message, run.context.set[signer]!.blsPublicKey, from);
      if (valid === undefined) return ignore('too many messages of this peer wait');
      if (!valid) return reject(`signature of validator ${signer} does not verify`);
      run.takeMessage(message, from);
      return accept;
    },
  };
}

function signBytesOf(chainId: bigint, message: ConsensusMessage): Uint8Array {
  return message.kind === 'vote'
    ? voteSignBytes({ chainId, ...message })
    : proposalSignBytes(chainId, message, proposalBlockHash(message));
}

function voteForm(vote: SignedVote, { set }: HeightContext): Verdict {
  return vote.validator < set.length ? accept : reject('no such validator');
}

/** What the proposer signed must at least be a block of this height, made in a fitting round. */
function proposalForm(proposal: SignedProposal, run: HeightRun, clock: Clock): Verdict {
  const { round, validRound } = proposal;
  if (validRound >= round) return reject('valid round is not before the round');
  try {
    const header = headerFields(proposal.header);
    const section = decodeSection(proposal.section);
    if (header.number !== run.context.height) return reject('header is of another height');
    if (!equalBytes(header.extraData, keccak256(proposal.section)))
      return reject('section is not the header’s');
    if (!equalBytes(header.parentHash, run.context.parent.hash)) return reject('header has another parent');
    if (validRound === -1 ? section.round !== round : section.round > validRound)
      return reject('block was created in another round');
    // Blocks faster than one a second run ahead of the clock one second at a time: that is the least there is.
    const isLeast = header.timestamp === run.context.parent.timestamp + 1;
    return !isLeast && header.timestamp * 1000 > clock.now() + MAX_CLOCK_DRIFT_MS
      ? ignore('block is from the future')
      : accept;
  } catch (cause) {
    return reject(cause instanceof Error ? cause.message : 'malformed proposal');
  }
}

function createRelayLimit(clock: Clock): (message: ConsensusMessage) => boolean {
  const last = new Map<string, number>();
  return (message) => {
    const { kind, height, round, signature } = message;
    const key = `${kind}/${height}/${round}/${toHex(signature.subarray(0, 16))}`;
    const elapsedMs = clock.now() - (last.get(key) ?? Number.NEGATIVE_INFINITY);
    // Negative when the clock was set back: the time of the last relay says nothing then.
    if (elapsedMs >= 0 && elapsedMs < RELAY_INTERVAL_MS) return false;
    if (last.size >= MAX_RELAY_ENTRIES) last.clear();
    last.set(key, clock.now());
    return true;
  };
}
