/** Open jobs: which ones this worker offers itself for. Each is looked at once, in the background, and refused with a reason. */
import { FedaiError } from '../core/index.ts';
import { decodeManifest, JOB_LIMITS, type Job, MAX_MANIFEST_BYTES } from '../job/index.ts';
import { isRevert, type Job as PostedJob } from '../market/index.ts';
import type { WorkerContext } from './context.ts';
import { checkOffer, checkProvable, type OfferLimits } from './offer.ts';

export interface Volunteering {
  /** Looks at an Open job; returns at once. */
  consider(posted: PostedJob): void;
  /** Jobs that this worker stands for, as long as they are Open. */
  readonly stoodFor: ReadonlySet<bigint>;
}

/** A document that nobody offers yet is asked for again with later heights until the window closes. */
const FETCH_TIMEOUT_MS = 20_000;

export function createVolunteering(context: WorkerContext, limits: OfferLimits): Volunteering {
  const looking = new Set<bigint>();
  const decided = new Set<bigint>();
  const stoodFor = new Set<bigint>();
  return {
    stoodFor,
    consider(posted) {
      if (decided.has(posted.id) || looking.has(posted.id)) return;
      looking.add(posted.id);
      look(context, posted, limits)
        .then(
          () => {
            decided.add(posted.id);
            stoodFor.add(posted.id);
          },
          (error: unknown) => {
            const later = error instanceof FedaiError && error.transient;
            if (!later) decided.add(posted.id);
            decline(context, posted, error, later);
          },
        )
        .finally(() => looking.delete(posted.id));
    },
  };
}

function decline(
  { log, onEvent, signal }: WorkerContext,
  posted: PostedJob,
  error: unknown,
  later: boolean,
): void {
  if (signal.aborted) return;
  if (later) {
    log.info('cannot look at a job yet', { jobId: posted.id, error });
    return;
  }
  const reason = error instanceof FedaiError ? `${error.code}: ${error.message}` : String(error);
  log.warn('declined a job', { jobId: posted.id, reason, error });
  onEvent({ type: 'declined', jobId: posted.id, reason });
}

async function recordsOf({ peer, signal }: WorkerContext, { document }: Job): Promise<number> {
  const limits = { maxBytes: MAX_MANIFEST_BYTES, timeoutMs: FETCH_TIMEOUT_MS, signal };
  return decodeManifest(await peer.content.getBytes(document.data.train.manifest, limits)).count;
}

async function look(context: WorkerContext, posted: PostedJob, limits: OfferLimits): Promise<void> {
  const { market, account, peer, signal } = context;
  if ((await market.volunteersOf(posted.id)).includes(account)) return;
  const documentBytes = await peer.content.getBytes(posted.post.documentCid, {
    maxBytes: JOB_LIMITS.documentBytes,
    timeoutMs: FETCH_TIMEOUT_MS,
    signal,
  });
  const job = checkOffer(posted, documentBytes, limits);
  if (posted.post.provable) checkProvable(posted, job, await recordsOf(context, job), limits);
  const free = await market.freeStakeOf(account);
  if (free < posted.post.workerStake) {
    throw new FedaiError(
      'STAKE_TOO_SMALL',
      'the job locks more stake than is free',
      { got: free, expected: posted.post.workerStake },
      { remedy: 'deposit more stake' },
    );
  }
  try {
    await market.assignWorker(posted.id);
  } catch (error) {
    if (!isRevert(error, 'JobManagerAlreadyVolunteered')) throw error;
  }
  context.log.info('volunteered', { jobId: posted.id });
  context.onEvent({ type: 'volunteered', jobId: posted.id });
}
