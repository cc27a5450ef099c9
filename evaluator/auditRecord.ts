/** What an auditor must not lose between committing and revealing, one file a trace, on disk before the commitment is sent. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson, FedaiError, type Hex, parseJson } from '../core/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../storage/index.ts';

export interface AuditRecord {
  /** Of each audited segment; none when no bundle was to be had. */
  digests: Hex[];
  /** 32 bytes that nobody else can guess. */
  salt: Hex;
  /** Content ids of the bundles that were executed, by segment: the evidence. */
  bundles: { segment: number; bundle: string }[];
  /** Segments whose steps lead elsewhere than the trace says. */
  faults: number[];
  /** Those of them that this auditor has brought to court. */
  challenged: number[];
}

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const segment = z.int().min(0).max(0xffff_ffff);
const recordSchema = z.strictObject({
  digests: z.array(hash).max(4_096),
  salt: hash,
  bundles: z.array(z.strictObject({ segment, bundle: z.string().max(128) })).max(4_096),
  faults: z.array(segment).max(4_096),
  challenged: z.array(segment).max(4_096),
});
const MAX_RECORD_BYTES = 1 << 20;

const pathOf = (dataDir: string, traceId: bigint): string => join(dataDir, 'audits', `trace-${traceId}.json`);

export const saveAudit = (dataDir: string, traceId: bigint, record: AuditRecord): Promise<void> =>
  writeFileAtomic(pathOf(dataDir, traceId), canonicalJson({ ...record }));

/** Undefined when nothing was saved; throws `BAD_RECORD` on a file that is no record. */
export async function loadAudit(dataDir: string, traceId: bigint): Promise<AuditRecord | undefined> {
  const path = pathOf(dataDir, traceId);
  const bytes = await readFileIfPresent(path);
  if (bytes === undefined) return undefined;
  try {
    return recordSchema.parse(parseJson(bytes, MAX_RECORD_BYTES)) as AuditRecord;
  } catch (cause) {
    throw new FedaiError(
      'BAD_RECORD',
      'a saved audit is damaged',
      { path },
      { cause, remedy: 'nothing: the segments are executed again, and the salt is found again by the key' },
    );
  }
}

export const forgetAudit = (dataDir: string, traceId: bigint): Promise<void> =>
  rm(pathOf(dataDir, traceId), { force: true });
