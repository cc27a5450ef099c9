/** Checks headers against validator sets, one by one or as a chain from a trusted set forward. */
import { equalBytes, toHex } from '../core/index.ts';
import { type HeaderFields, headerFields } from './header.ts';
import { sectionHash } from './section.ts';
import type { BlockCommit, ConsensusSection, ValidatorSet } from './types.ts';
import { validatorSetHash } from './validators.ts';
import { verifyCommit } from './verify-commit.ts';

export interface HeaderClaim {
  chainId: bigint;
  /** The trusted set of the header's height. */
  set: ValidatorSet;
  headerRlp: Uint8Array;
  section: ConsensusSection;
  commit: BlockCommit;
}

export type CheckedHeader = { ok: true; header: HeaderFields } | { ok: false; reason: string };

const refuse = (reason: string): CheckedHeader => ({ ok: false, reason });

/** Whether +2/3 of `set` committed this header and the section belongs to it. Never throws on bad input. */
export function verifyHeader(claim: HeaderClaim): CheckedHeader {
  const { chainId, set, headerRlp, section, commit } = claim;
  let header: HeaderFields;
  try {
    header = headerFields(headerRlp);
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : 'header is malformed');
  }
  if (!equalBytes(header.extraData, sectionHash(section)))
    return refuse('section is not the one of the header');
  if (!equalBytes(section.validatorsHash, validatorSetHash(set)))
    return refuse('header names another validator set');
  if (section.round > commit.round) return refuse('block was committed before it was made');
  const checked = verifyCommit({ chainId, set, commit, blockHash: header.hash, height: header.number });
  return checked.ok ? { ok: true, header } : checked;
}

export interface FollowStep {
  headerRlp: Uint8Array;
  section: ConsensusSection;
  commit: BlockCommit;
  /** The set of this height, when it is not the one of the step before. */
  set?: ValidatorSet;
}

/** What is trusted after following: the last header and who signs the next one. */
export interface FollowedTo {
  header: HeaderFields;
  set: ValidatorSet;
  nextValidatorsHash: Uint8Array;
}

/**
 * Follows headers from a trusted set (of the chain spec, or a checkpoint) at `fromHeight` forward. A height at which
 * nothing changes may be left out; where the set changes, the header before must be there, since it names the new one.
 */
export function followHeaders(
  start: { chainId: bigint; set: ValidatorSet; fromHeight: number },
  steps: Iterable<FollowStep>,
): { ok: true; at: FollowedTo | undefined } | { ok: false; height: number; reason: string } {
  let { set } = start;
  let at: FollowedTo | undefined;
  for (const step of steps) {
    const height = step.commit.height;
    const fail = (reason: string) => ({ ok: false, height, reason }) as const;
    if (height < start.fromHeight || (at !== undefined && height <= at.header.number))
      return fail('heights do not ascend');
    if (step.set !== undefined) {
      const named = at?.header.number === height - 1 ? at.nextValidatorsHash : validatorSetHash(set);
      if (!equalBytes(validatorSetHash(step.set), named))
        return fail(`nobody trusted names the set ${toHex(validatorSetHash(step.set))}`);
      set = step.set;
    }
    const checked = verifyHeader({ ...step, chainId: start.chainId, set });
    if (!checked.ok) return fail(checked.reason);
    const { header } = checked;
    if (at?.header.number === height - 1 && !equalBytes(header.parentHash, at.header.hash))
      return fail('header does not follow the one before');
    at = { header, set, nextValidatorsHash: step.section.nextValidatorsHash };
  }
  return { ok: true, at };
}
