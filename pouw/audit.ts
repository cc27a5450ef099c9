/**
 * Which traces are audited, in which segments, and what an auditor commits to: the same rules as
 * contracts/TrainingCourt.sol, from the same numbers. See docs/protocol/useful-work.md.
 */
import { concatBytes, keccak256, uintBytes } from '../core/index.ts';
import { hashedWords } from './words.ts';

/** What the selection of a trace hangs on. `beacon`: of the height of its commitment + D, 32 bytes. */
export interface AuditDraw {
  readonly chainId: bigint;
  readonly beacon: Uint8Array;
  readonly traceId: bigint;
  readonly segments: number;
  /** The client bought the audit of every segment of every trace. */
  readonly fullAudit: boolean;
  /** Traces audited of 10 000. */
  readonly rateBps: number;
  readonly segmentsPerAudit: number;
}

const ALL_BPS = 10_000n;

export const isAudited = ({ chainId, beacon, traceId, fullAudit, rateBps }: AuditDraw): boolean =>
  fullAudit ||
  hashedWords('fedai-audit/1', uintBytes(chainId, 32), beacon, uintBytes(traceId, 32)) % ALL_BPS <
    BigInt(rateBps);

/** In the order of the digests that are revealed. A segment may be drawn twice; it is executed once. */
export function auditSegments({
  beacon,
  traceId,
  segments,
  fullAudit,
  segmentsPerAudit,
}: AuditDraw): number[] {
  if (fullAudit) return Array.from({ length: segments }, (_, segment) => segment);
  return Array.from({ length: segmentsPerAudit }, (_, k) => {
    const words = [beacon, uintBytes(traceId, 32), uintBytes(k, 32)];
    return Number(hashedWords('fedai-audit-segment/1', ...words) % BigInt(segments));
  });
}

/** keccak256(abi.encode(traceId, auditor, keccak256(abi.encodePacked(digests)), salt)); 20-byte account, 32-byte salt. */
export const auditCommitment = (audit: {
  readonly traceId: bigint;
  readonly auditor: Uint8Array;
  readonly digests: readonly Uint8Array[];
  readonly salt: Uint8Array;
}): Uint8Array =>
  keccak256(
    concatBytes(
      uintBytes(audit.traceId, 32),
      new Uint8Array(12),
      audit.auditor,
      keccak256(concatBytes(...audit.digests)),
      audit.salt,
    ),
  );
