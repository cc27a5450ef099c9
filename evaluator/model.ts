/** The model that was submitted, verified against its hash; rebuilt from the last agreed state when its file is not to be had. */
import { canonicalJson, equalBytes, FedaiError, fromHex } from '../core/index.ts';
import {
  decodeModel,
  decodeState,
  encodeModel,
  MAX_MODEL_FILE_BYTES,
  modelHash,
  momentsOf,
  stateLength,
} from '../engine/index.ts';
import type { Job } from '../job/index.ts';
import type { Job as PostedJob } from '../market/index.ts';
import type { EvaluatorContext } from './context.ts';

/** A worker may name an id that nobody has; then the state of the last round says as much as the file. */
const FILE_TIMEOUT_MS = 20_000;

/** Canonical model file, kept in the own content store. Throws what the store throws when neither is to be had. */
export async function fetchModel(
  context: EvaluatorContext,
  posted: PostedJob,
  job: Job,
): Promise<Uint8Array> {
  const file =
    (await fetchFile(context, posted, job).catch((error: unknown) => {
      context.log.warn('the model file is not to be had', { jobId: posted.id, error });
      return undefined;
    })) ?? (await rebuildFile(context, posted, job));
  await context.peer.content.putBytes(file);
  return file;
}

async function fetchFile(context: EvaluatorContext, posted: PostedJob, job: Job): Promise<Uint8Array> {
  const { content } = context.peer;
  const file = await content.getBytes(posted.modelCid, {
    maxBytes: MAX_MODEL_FILE_BYTES,
    timeoutMs: FILE_TIMEOUT_MS,
    signal: context.signal,
  });
  const { model, weights } = decodeModel(file);
  const sameModel = equalBytes(canonicalJson(model.document), canonicalJson(job.model.document));
  if (sameModel && equalBytes(modelHash(model, weights), fromHex(posted.modelHash))) return file;
  throw new FedaiError('WRONG_MODEL', 'the model file is not the model that was submitted', {
    jobId: posted.id,
    modelCid: posted.modelCid,
  });
}

async function rebuildFile(context: EvaluatorContext, posted: PostedJob, job: Job): Promise<Uint8Array> {
  const { market, peer, signal } = context;
  const round = posted.post.rounds - 1;
  const { fixedAt } = await market.roundOf(posted.id, round);
  const query = {
    fromHeight: fixedAt,
    toHeight: fixedAt,
    jobId: posted.id,
    names: ['RoundCommitted'] as const,
  };
  const fixed = (await market.events(query)).find((event) => event.name === 'RoundCommitted');
  if (fixed?.name !== 'RoundCommitted') {
    throw new FedaiError(
      'NO_EVENT',
      'the last round has no event',
      { jobId: posted.id },
      { transient: true },
    );
  }
  const bytes = await peer.content.getBytes(fixed.stateCid, {
    maxBytes: stateLength(job.model, momentsOf(job.recipe)),
    signal,
  });
  const { weights } = decodeState(job.model, bytes, momentsOf(job.recipe));
  if (!equalBytes(modelHash(job.model, weights), fromHex(posted.modelHash))) {
    throw new FedaiError('WRONG_MODEL', 'the last state has other weights than submitted', {
      jobId: posted.id,
    });
  }
  return encodeModel(job.model, weights);
}
