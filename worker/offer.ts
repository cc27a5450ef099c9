/** Whether a posted job is what its document says and one that this worker takes: pure checks before any stake is locked. */
import { equalBytes, FedaiError, fromHex, sha256 } from '../core/index.ts';
import { checkFormat, decodeJob, isProvable, type Job, type ReplayLimits, stepCost } from '../job/index.ts';
import { jobPostOf, type Job as PostedJob } from '../market/index.ts';

export interface OfferLimits {
  /** Capability bits that this machine has. */
  bands: number;
  /** Most multiply-adds that one own share of a training round may cost. */
  maxRoundMacs: number;
  /** Of the chain, for jobs that say that they can be proved; absent where blocks carry no proofs of work. */
  replay?: ReplayLimits | undefined;
}

/** A day on one core at 10^9 multiply-adds a second; an operator sets what fits the machine. */
export const DEFAULT_MAX_ROUND_MACS = 1e14;

/** The checked document. Throws `WRONG_DOCUMENT`, `BAD_JOB`, `BAD_MODEL`, `BAD_RECIPE`, `FORMAT_INACTIVE`, `TOO_COSTLY` or `BANDS_MISSING`. */
export function checkOffer(posted: PostedJob, documentBytes: Uint8Array, limits: OfferLimits): Job {
  const job = readDocument(posted, documentBytes);
  checkFormat(job, limits.replay?.formats, posted.postedAt);
  const { minimumBands } = posted.post;
  if ((limits.bands & minimumBands) !== minimumBands) {
    throw new FedaiError('BANDS_MISSING', 'the job asks for capabilities that this machine lacks', {
      got: limits.bands,
      expected: minimumBands,
    });
  }
  const macs = roundMacs(job);
  if (macs > limits.maxRoundMacs) {
    throw new FedaiError(
      'TOO_COSTLY',
      'one training round costs more than this worker takes on',
      { got: macs, expected: `<= ${limits.maxRoundMacs} multiply-adds` },
      { remedy: 'raise the limit if the machine is fast enough' },
    );
  }
  return job;
}

/** The document behind a posted job, checked against the hash and every figure on chain. */
export function readDocument(posted: PostedJob, documentBytes: Uint8Array): Job {
  if (!equalBytes(sha256(documentBytes), fromHex(posted.post.documentHash))) {
    throw wrongDocument('documentHash', 'the bytes have another SHA-256');
  }
  const job = decodeJob(documentBytes);
  const { post } = posted;
  const stated = jobPostOf({ ...post, document: job.document });
  for (const [field, value] of Object.entries(stated)) {
    const onChain = post[field as keyof typeof post];
    // The court may ask for more stake than the document does.
    const isMore = field === 'workerStake' && post.workerStake > stated.workerStake;
    if (plain(value) !== plain(onChain) && !isMore)
      throw wrongDocument(field, `${plain(value)} against ${plain(onChain)}`);
  }
  if (BigInt(job.document.reward) !== posted.reward) {
    throw wrongDocument('reward', `${job.document.reward} against ${posted.reward}`);
  }
  return job;
}

/** A job that counts in draws although nobody can open it would cost its workers stake. Throws `WRONG_DOCUMENT`. */
export function checkProvable(posted: PostedJob, job: Job, records: number, limits: OfferLimits): void {
  if (!posted.post.provable || limits.replay === undefined) return;
  if (!isProvable(job, records, limits.replay, posted.postedAt))
    throw wrongDocument(
      'provable',
      'its segments are beyond the limits of the chain, or its data may not be shown',
    );
}

const wrongDocument = (field: string, detail: string): FedaiError =>
  new FedaiError(
    'WRONG_DOCUMENT',
    `the job document and the posted job differ in ${field}: ${detail}`,
    { field },
    { remedy: 'post the job again with its own document' },
  );

/** Deadlines are objects whose order of keys says nothing. */
function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, entry]) => `${key}=${String(entry)}`)
    .sort()
    .join(',');
}

const roundMacs = ({ document, model, recipe }: Job): number =>
  stepCost(model, recipe).macs * document.training.stepsPerRound;
