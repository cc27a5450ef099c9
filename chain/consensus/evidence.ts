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

export function recordEvidence(records: RecordLog, log: Log, evidence: Evidence): void {
  const { validator, first } = evidence;
  log.warn('a validator contradicts itself', {
    validator,
    height: first.height,
    round: first.round,
    what: first.kind === 'vote' ? first.type : 'proposal',
  });
  records.append(encodeEvidence(evidence));
  records.sync();
}
