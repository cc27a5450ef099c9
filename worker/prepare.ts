/** Makes an assigned job ready to train: document, data key, data set, engine. Everything fetched is verified. */
import { FedaiError, fromHex, type Hex, unwrapKey } from '../core/index.ts';
import { checkDataFits, JOB_LIMITS, type Job } from '../job/index.ts';
import { keyContext, type Job as PostedJob } from '../market/index.ts';
import { type Dataset, openDataset } from '../storage/index.ts';
import type { Assignment, WorkerContext } from './context.ts';
import { openHasher } from './hasher.ts';
import { readDocument } from './offer.ts';
import { openTrainer } from './trainer.ts';

/** Throws a transient error while the data key or content is not there yet. */
export async function prepare(
  context: WorkerContext,
  posted: PostedJob,
  workers: readonly Hex[],
): Promise<Assignment> {
  const { content } = context.peer;
  const { signal } = context;
  const documentBytes = await content.getBytes(posted.post.documentCid, {
    maxBytes: JOB_LIMITS.documentBytes,
    signal,
  });
  const job = readDocument(posted, documentBytes);
  const dataset = await openTrainingData(context, posted, job);
  const { kernel, threads } = context;
  const jobId = posted.id;
  const trainer = await openTrainer({
    document: job.document,
    seed: posted.seed,
    jobId,
    kernel,
    threads,
  });
  return {
    jobId,
    slot: workers.indexOf(context.account),
    workers,
    seed: posted.seed,
    job,
    trainer,
    hasher: openHasher(job.document.model),
    dataset,
  };
}

async function openTrainingData(context: WorkerContext, posted: PostedJob, job: Job): Promise<Dataset> {
  const { manifest, encrypted } = job.document.data.train;
  const { signal } = context;
  const key = encrypted ? await dataKeyOf(context, posted) : undefined;
  const dataset = await openDataset(context.peer.content, manifest, { signal, ...(key && { key }) });
  checkDataFits(job, dataset);
  return dataset;
}

/** The key that the client delivered on chain to this worker, the last one if it did so again; throws `KEY_MISSING` (transient) before that. */
async function dataKeyOf(context: WorkerContext, posted: PostedJob): Promise<Uint8Array> {
  const { market, account, domain, keys } = context;
  const events = await market.events({
    fromHeight: posted.postedAt,
    jobId: posted.id,
    names: ['DataKeyDelivered'],
  });
  const delivered = events.findLast((event) => event.name === 'DataKeyDelivered' && event.worker === account);
  if (delivered?.name !== 'DataKeyDelivered') {
    throw new FedaiError(
      'KEY_MISSING',
      'the client has not delivered the data key yet',
      { jobId: posted.id },
      { transient: true, remedy: 'wait for the client' },
    );
  }
  const associated = keyContext('data', domain, posted.id, account);
  return unwrapKey(keys.reader.privateKey, fromHex(delivered.wrapped), associated);
}
