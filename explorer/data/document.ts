/** A job's document and a look at its data set, fetched by content id and checked against what the chain holds. */

import { FedaiError, toHex } from '../../core/index.ts';
import type { DatasetManifest, Job as JobPlan } from '../../job/index.ts';
import type { Job } from '../../market/index.ts';
import { gatewayStore } from '../../storage/gateway-store.ts';

const content = gatewayStore(location.origin);
const jobRules = () => import('./jobRules.ts');

export interface DocumentView {
  plan: JobPlan;
  manifest: DatasetManifest | undefined;
}

/** Throws `NOT_VERIFIED` for a document that is not the one that was posted. */
export async function readDocument(job: Job): Promise<DocumentView> {
  const { decodeJob, decodeManifest, JOB_LIMITS, jobDocumentHash, MAX_MANIFEST_BYTES } = await jobRules();
  const bytes = await content.getBytes(job.post.documentCid, { maxBytes: JOB_LIMITS.documentBytes });
  const plan = decodeJob(bytes);
  if (toHex(jobDocumentHash(plan.document)) !== job.post.documentHash)
    throw new FedaiError('NOT_VERIFIED', 'the document is not the one that was posted');
  const { manifest: cid } = plan.document.data.train;
  const manifest = await content
    .getBytes(cid, { maxBytes: MAX_MANIFEST_BYTES })
    .then(decodeManifest)
    .catch(() => undefined);
  return { plan, manifest };
}

export interface Sample {
  pixels: Uint8Array;
  label: number;
}

/** A larger first shard is not worth a glance at some images. */
const MAX_SHARD_BYTES = 4 * 2 ** 20;

/** The first records of an open data set of images; none when they are encrypted or too large to look at. */
export async function readSamples(manifest: DatasetManifest, count: number): Promise<Sample[]> {
  const { inputBytesOf } = await jobRules();
  const size = inputBytesOf(manifest);
  const records = Math.min(manifest.shardRecords, manifest.count);
  const isSmall = records * (size + 1) <= MAX_SHARD_BYTES;
  if (manifest.cipher !== null || !isSmall || manifest.shape.length < 2) return [];
  const shard = await content.getBytes(manifest.shards[0]!.cid, { maxBytes: MAX_SHARD_BYTES });
  return Array.from({ length: Math.min(count, records) }, (_, i) => {
    const record = shard.subarray(i * (size + 1), (i + 1) * (size + 1));
    return { pixels: record.subarray(0, size), label: record[size] ?? 0 };
  });
}
