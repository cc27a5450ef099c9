/**
 * How it is told that a segment can be executed again: a small signed message to all validators; the bundle itself is
 * fetched by its content id. Three kinds share the topic: a drawn segment, a segment before the court, one under audit.
 */
import { z } from 'zod';
import {
  canonicalJson,
  concatBytes,
  equalBytes,
  type FedaiError,
  fromHex,
  type Hex,
  keccak256,
  parseJson,
  signerOf,
  signHash,
  toHex,
  uintBytes,
  utf8,
} from '../core/index.ts';

export const workTopic = (chainId: bigint): string => `/fedai/${chainId}/work/2`;

export const MAX_ANNOUNCEMENT_BYTES = 512;

const SIGN_DOMAIN = utf8('fedai-announcement/2\n');

const bundle = z.string().regex(/^b[a-z2-7]{20,120}$/);
/** Counts repetitions: gossip passes the same bytes on once. */
const attempt = z.int().min(0);
/** Ids count up from 0: far fewer than numbers can tell apart. */
const id = z.int().min(0);
/** 65 bytes: recovery bit, r, s. Who has signed says how much it counts. */
const signature = z.string().regex(/^0x[0-9a-f]{130}$/);
const told = { bundle, attempt, signature };

const workSchema = z.strictObject({
  format: z.literal('fedai-work/2'),
  /** The draw that is answered, and the rank in it. */
  drawHeight: z.int().min(1),
  rank: z.int().min(0).max(255),
  ...told,
});

/** Answers an open case: validators replay it and judge. */
const caseSchema = z.strictObject({ format: z.literal('fedai-case/2'), caseId: id, ...told });

/** For the drawn auditors of a trace; validators only pass it on. */
const auditSchema = z.strictObject({
  format: z.literal('fedai-audit/2'),
  traceId: id,
  segment: z.int().min(0).max(0xffff_ffff),
  ...told,
});

const schema = z.discriminatedUnion('format', [workSchema, caseSchema, auditSchema]);

export type WorkAnnouncement = z.infer<typeof workSchema>;
export type CaseAnnouncement = z.infer<typeof caseSchema>;
export type AuditAnnouncement = z.infer<typeof auditSchema>;
export type Announcement = WorkAnnouncement | CaseAnnouncement | AuditAnnouncement;
type Unsigned<One> = One extends Announcement ? Omit<One, 'signature'> : never;
export type AnnouncementContent = Unsigned<Announcement>;

/** Of the ticks of an announcer's clock, those at which it says its message: soon again at first, then every eighth. */
export const isAnnounceTick = (tick: number): boolean => tick % 8 === 0 || (tick & (tick - 1)) === 0;

export const encodeAnnouncement = (announcement: Announcement): Uint8Array => canonicalJson(announcement);

/** The encoded announcement of who has this key. */
export function signAnnouncement(
  chainId: bigint,
  content: AnnouncementContent,
  privateKey: Uint8Array,
): Uint8Array {
  const signed = toHex(signHash(digestOf(chainId, content), privateKey));
  return encodeAnnouncement({ ...content, signature: signed } as Announcement);
}

/** Checksummed address of who announced it on this chain; undefined for a signature of nobody's. */
export function announcerOf(chainId: bigint, announcement: Announcement): Hex | undefined {
  const { signature: signed, ...content } = announcement;
  return signerOf(digestOf(chainId, content), fromHex(signed, 65));
}

const digestOf = (chainId: bigint, content: AnnouncementContent): Uint8Array =>
  keccak256(concatBytes(SIGN_DOMAIN, uintBytes(chainId, 32), canonicalJson(content)));

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
