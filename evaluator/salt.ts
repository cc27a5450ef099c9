/** The salts of scores and audits: derived from the evaluator's key, so that a lost disk does not make a commitment impossible to reveal. */
import { concatBytes, fromHex, type Hex, hmacSha256, toHex, uintBytes, utf8 } from '../core/index.ts';
import type { SigningDomain } from '../market/index.ts';

const PURPOSE = utf8('fedai-salt/1');
const AUDIT_PURPOSE = utf8('fedai-audit-salt/1');
const WORD_BYTES = 32;

/** Salt of one draw of one job; secret as long as the key is. */
export function saltOf(
  privateKey: Uint8Array,
  { chainId, jobManager }: SigningDomain,
  jobId: bigint,
  attempt: number,
): Hex {
  const place = concatBytes(
    uintBytes(chainId, WORD_BYTES),
    fromHex(jobManager),
    uintBytes(jobId, WORD_BYTES),
    uintBytes(BigInt(attempt), WORD_BYTES),
  );
  return toHex(hmacSha256(privateKey, concatBytes(PURPOSE, place)));
}

/** Salt of the audit of one trace; secret as long as the key is. `court`: address of the contract. */
export function auditSaltOf(privateKey: Uint8Array, chainId: bigint, court: Hex, traceId: bigint): Hex {
  const place = concatBytes(uintBytes(chainId, WORD_BYTES), fromHex(court), uintBytes(traceId, WORD_BYTES));
  return toHex(hmacSha256(privateKey, concatBytes(AUDIT_PURPOSE, place)));
}
