/** Keeps proofs that a validator signed contradicting messages. What follows from them is the staking contract's. */
import { encode } from '@ethereumjs/rlp';
import type { Log } from '../../core/index.ts';
import { readBytes, readList, readUint } from '../../light/index.ts';
import { decodeConsensusMessage, encodeConsensusMessage, MAX_MESSAGE_BYTES } from './messages.ts';
import type { Evidence, RecordLog } from './types.ts';

const MAX_EVIDENCE_BYTES = 2 * MAX_MESSAGE_BYTES + 64;

/** RLP [validator, first, second]. */
export function encodeEvidence({ validator, first, second }: Evidence): Uint8Array {
  return encode([validator, encodeConsensusMessage(first), encodeConsensusMessage(second)]);
}

/** Throws `BAD_RLP`. */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  const items = readList(bytes, 'evidence', MAX_EVIDENCE_BYTES, 3);
  return {
    validator: readUint(items[0], 'validator index'),
    first: decodeConsensusMessage(readBytes(items[1], 'first message')),
    second: decodeConsensusMessage(readBytes(items[2], 'second message')),
  };
}

export interface EvidenceBook {
  /** Keeps the first contradiction of a validator at each step of a height: one is enough, and the disk is not his. Says whether it is new. */
  record(evidence: Evidence): boolean;
  all(): Evidence[];
}

export function createEvidenceBook(records: RecordLog, log: Log): EvidenceBook {
  const all = () => records.records().map(decodeEvidence);
  let kept: Set<string> | undefined;
  return {
    all,
    record(evidence) {
      kept ??= new Set(all().map(keyOf));
      const key = keyOf(evidence);
      if (kept.has(key)) return false;
      const { validator, first } = evidence;
      const { height, round } = first;
      log.warn('a validator contradicts itself', { validator, height, round, what: stepOf(first) });
      records.append(encodeEvidence(evidence));
      records.sync();
      kept.add(key);
      return true;
    },
  };
}

const stepOf = (message: Evidence['first']): string => (message.kind === 'vote' ? message.type : 'proposal');

const keyOf = ({ validator, first }: Evidence): string => `${validator}/${first.height}/${stepOf(first)}`;
