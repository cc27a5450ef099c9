/** How it is told that a drawn segment can be opened: a small message to all validators; the bundle itself is fetched by its content id. */
import { z } from 'zod';
import { canonicalJson, equalBytes, type FedaiError, parseJson } from '../core/index.ts';

export const workTopic = (chainId: bigint): string => `/fedai/${chainId}/work/1`;

export const MAX_ANNOUNCEMENT_BYTES = 512;

const schema = z.strictObject({
  format: z.literal('fedai-work/1'),
  /** The draw that is answered, and the rank in it. */
  drawHeight: z.int().min(1),
  rank: z.int().min(0).max(255),
  /** Who is paid for opening it. */
  opener: z.string().regex(/^0x[0-9a-f]{40}$/),
  bundle: z.string().regex(/^b[a-z2-7]{20,120}$/),
  /** Counts repetitions: gossip passes the same bytes on once. */
  attempt: z.int().min(0),
});

export type Announcement = z.infer<typeof schema>;

export const encodeAnnouncement = (announcement: Omit<Announcement, 'format'>): Uint8Array =>
  canonicalJson({ format: 'fedai-work/1', ...announcement });

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
