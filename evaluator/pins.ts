/** Keeps everything that a receipt needs on this disk: document, model, test set and training set. */
import { MAX_MODEL_FILE_BYTES } from '../engine/index.ts';
import { decodeManifest, JOB_LIMITS, type Job, MAX_MANIFEST_BYTES } from '../job/index.ts';
import type { Job as PostedJob } from '../market/index.ts';
import { MAX_STORED_SHARD_BYTES } from '../storage/index.ts';
import type { EvaluatorContext } from './context.ts';

/** Pins the job document and the model; resolves when both are here whole. */
export async function pinResult({ peer, signal }: EvaluatorContext, posted: PostedJob): Promise<void> {
  await peer.content.pin(posted.post.documentCid, { maxBytes: JOB_LIMITS.documentBytes, signal });
  await peer.content.pin(posted.modelCid, { maxBytes: MAX_MODEL_FILE_BYTES, signal });
}

/** Pins both data sets, shard by shard; encrypted shards stay encrypted. */
export async function pinDatasets({ peer, signal }: EvaluatorContext, job: Job): Promise<void> {
  const { test, train } = job.document.data;
  for (const { manifest } of [test, train]) {
    const bytes = await peer.content.getBytes(manifest, { maxBytes: MAX_MANIFEST_BYTES, signal });
    await peer.content.pin(manifest, { maxBytes: MAX_MANIFEST_BYTES, signal });
    for (const { cid } of decodeManifest(bytes).shards)
      await peer.content.pin(cid, { maxBytes: MAX_STORED_SHARD_BYTES, signal });
  }
}
