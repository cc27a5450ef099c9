/**
 * How it is told that a segment can be executed again: a small message to all validators; the bundle itself is fetched
 * by its content id. Three kinds share the topic: a drawn segment, a segment before the court, a segment under audit.
 */
import { z } from 'zod';
import { canonicalJson, equalBytes, type FedaiError, parseJson } from '../core/index.ts';

export const workTopic = (chainId: bigint): string => `/fedai/${chainId}/work/1`;

export const MAX_ANNOUNCEMENT_BYTES = 512;

const bundle = z.string().regex(/^b[a-z2-7]{20,120}$/);
/** Counts repetitions: gossip passes the same bytes on once. */
const attempt = z.int().min(0);
/** Ids count up from 0: far fewer than numbers can tell apart. */
const id = z.int().min(0);

const workSchema = z.strictObject({
  format: z.literal('fedai-work/1'),
  /** The draw that is answered, and the rank in it. */
  drawHeight: z.int().min(1),
  rank: z.int().min(0).max(255),
  /** Who is paid for opening it. */
  opener: z.string().regex(/^0x[0-9a-f]{40}$/),
  bundle,
  attempt,
});

/** Answers an open case: validators replay it and judge. */
const caseSchema = z.strictObject({ format: z.literal('fedai-case/1'), caseId: id, bundle, attempt });

/** For the drawn auditors of a trace; validators only pass it on. */
const auditSchema = z.strictObject({
  format: z.literal('fedai-audit/1'),
  traceId: id,
  segment: z.int().min(0).max(0xffff_ffff),
  bundle,
  attempt,
});

const schema = z.discriminatedUnion('format', [workSchema, caseSchema, auditSchema]);

export type WorkAnnouncement = z.infer<typeof workSchema>;
export type CaseAnnouncement = z.infer<typeof caseSchema>;
export type AuditAnnouncement = z.infer<typeof auditSchema>;
export type Announcement = WorkAnnouncement | CaseAnnouncement | AuditAnnouncement;

/** Of the ticks of an announcer's clock, those at which it says its message: soon again at first, then every eighth. */
export const isAnnounceTick = (tick: number): boolean => tick % 8 === 0 || (tick & (tick - 1)) === 0;

export const encodeAnnouncement = (announcement: Announcement): Uint8Array => canonicalJson(announcement);

/** Undefined for anything else. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  if (bytes.length > MAX_ANNOUNCEMENT_BYTES) return undefined;
  try {
    const { data } = schema.safeParse(parseJson(bytes, MAX_ANNOUNCEMENT_BYTES));
    // One form only: spellings of the same message would each be passed on.
    return data !== undefined && equalBytes(canonicalJson(data), bytes) ? data : undefined;
  } catch (error) {
    if ((error as FedaiError).code === 'BAD_JSON') return undefined;
    throw error;
  }
}
