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
import { decodeSection, EMPTY_HASH, headerFields } from '../../light/index.ts';
import type { BatchVerifier } from './batch.ts';
import type { HeightContext } from './height.ts';
import { type ConsensusMessage, messageSignBytes, type SignedProposal, type SignedVote } from './messages.ts';
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
        message: messageSignBytes(chainId, message),
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
      if (run.book.has(message)) {
        if (message.kind === 'proposal') run.fetchProposed(message, from);
        return message.attempt > 0 && mayRelay(relayKey(message)) ? accept : ignore('known');
      }
      const form =
        message.kind === 'vote' ? voteForm(message, run.context) : proposalForm(message, run, clock);
      if (form.verdict !== 'accept') return form;
      const signer =
        message.kind === 'vote' ? message.validator : run.context.machine.proposer(message.round);
      const valid = await verified(message, run.context.set[signer]!.blsPublicKey, from);
      if (valid === undefined) return ignore('too many messages of this peer wait');
      if (!valid) return reject(`signature of validator ${signer} does not verify`);
      switch (run.takeMessage(message, from)) {
        case 'new':
          return accept;
        case 'far':
          return mayRelay(`far/${signer}`) ? accept : ignore('this validator was far ahead a moment ago');
        case 'known':
          return ignore('known');
        case 'full':
          return ignore('this validator contradicts itself, and that is known');
      }
    },
  };
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
    // Neither is signed but through the header: what is not bound to it could be altered on the way for ever.
    if (!equalBytes(section.parentCommitHash, hashOrEmpty(proposal.parentCommit)))
      return reject('parent commit is not the section’s');
    if (!equalBytes(header.parentHash, run.context.parent.hash)) return reject('header has another parent');
    if (validRound === -1 ? section.round !== round : section.round > validRound)
      return reject('block was created in another round');
    // More than a third found it timely when they prevoted it in its valid round: clocks are asked once.
    if (validRound >= 0) return accept;
    // Blocks faster than one a second run ahead of the clock one second at a time: that is the least there is.
    const isLeast = header.timestamp === run.context.parent.timestamp + 1;
    return !isLeast && header.timestamp * 1000 > clock.now() + MAX_CLOCK_DRIFT_MS
      ? ignore('block is from the future')
      : accept;
  } catch (cause) {
    return reject(cause instanceof Error ? cause.message : 'malformed proposal');
  }
}

/** As `parentCommitHash` of a section: zeros for none. */
const hashOrEmpty = (bytes: Uint8Array): Uint8Array => (bytes.length === 0 ? EMPTY_HASH : keccak256(bytes));

const relayKey = ({ kind, height, round, signature }: ConsensusMessage): string =>
  `${kind}/${height}/${round}/${toHex(signature.subarray(0, 16))}`;

function createRelayLimit(clock: Clock): (key: string) => boolean {
  const last = new Map<string, number>();
  return (key) => {
    const elapsedMs = clock.now() - (last.get(key) ?? Number.NEGATIVE_INFINITY);
    // Negative when the clock was set back: the time of the last relay says nothing then.
    if (elapsedMs >= 0 && elapsedMs < RELAY_INTERVAL_MS) return false;
    if (last.size >= MAX_RELAY_ENTRIES) last.clear();
    last.set(key, clock.now());
    return true;
  };
}
