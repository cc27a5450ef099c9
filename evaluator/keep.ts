/** After scoring: keeps document, model and data sets for whoever asks later, retrying until they are here. */
import { FedaiError, sleep } from '../core/index.ts';
import { decodeJob, JOB_LIMITS } from '../job/index.ts';
import type { Job as PostedJob } from '../market/index.ts';
import type { EvaluatorContext } from './context.ts';
import { pinDatasets, pinResult } from './pins.ts';

const RETRY_MS = 5_000;
/** Half an hour of tries: past that the providers are gone for good. */
const ATTEMPTS = 360;

/** Never rejects: what cannot be kept is logged. */
export async function keepResults(context: EvaluatorContext, posted: PostedJob): Promise<void> {
  const { signal, log, onEvent } = context;
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    try {
      await keep(context, posted);
      onEvent({ type: 'pinned', jobId: posted.id, modelCid: posted.modelCid });
      return;
    } catch (error) {
      if (signal.aborted) return;
      log.info('results are not all here yet', { error });
      if (!(error instanceof FedaiError && error.transient)) return;
      await sleep(RETRY_MS, signal).catch(() => {});
    }
  }
}

async function keep(context: EvaluatorContext, posted: PostedJob): Promise<void> {
  await pinResult(context, posted);
  const { content } = context.peer;
  const bytes = await content.getBytes(posted.post.documentCid, { maxBytes: JOB_LIMITS.documentBytes });
  await pinDatasets(context, decodeJob(bytes));
}
