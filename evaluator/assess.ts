/** From a delivered test key to a verdict: a score, or a complaint that every honest evaluator would make as well. */
import { equalBytes, FedaiError, fromHex, type Hex, sha256, toHex, unwrapKey } from '../core/index.ts';
import { decodeJob, JOB_LIMITS, type Job } from '../job/index.ts';
import { keyContext, type Job as PostedJob, type Score, verdicts, ZERO_HASH } from '../market/index.ts';
import { openDataset } from '../storage/index.ts';
import type { EvaluatorContext } from './context.ts';
import { fetchModel } from './model.ts';
import { scoreOnThread } from './scorer.ts';

export interface Assessment {
  score: Score;
  testKey?: Hex;
}

const SCORE = verdicts.indexOf('Score');
const BAD_KEY = verdicts.indexOf('BadKey');
const BAD_SET = verdicts.indexOf('BadSet');

/** Faults of the test set itself, whoever looks at it; everything else is retried. */
const BAD_SET_CODES = [
  'BAD_KEY',
  'BAD_MANIFEST',
  'BAD_JSON',
  'TOO_LARGE',
  'DECRYPT_FAILED',
  'BAD_DATASET',
  'BAD_CID',
];

/** Longer tries would outlast short windows; blocks that came are kept for the next try. */
const FETCH_TIMEOUT_MS = 20_000;

const complaintOf = (posted: PostedJob, verdict: number): Score => ({
  correct: 0,
  total: 0,
  outputsRoot: ZERO_HASH,
  modelHash: posted.modelHash,
  verdict,
});

/** The complaint about a set or a model that nobody can have or score in time. */
export const cannotBeScored = (posted: PostedJob): Assessment => ({ score: complaintOf(posted, BAD_SET) });

/** Everything that can be said without having scored. */
export const complaints = (posted: PostedJob): Score[] =>
  [BAD_KEY, BAD_SET].map((verdict) => complaintOf(posted, verdict));

/** Throws transient errors while content is not to be had; `fetching` ends what is fetched, but no scoring. */
export async function assess(
  context: EvaluatorContext,
  posted: PostedJob,
  fetching?: AbortSignal,
): Promise<Assessment> {
  const bounded = fetching ? { ...context, signal: AbortSignal.any([context.signal, fetching]) } : context;
  const complaint = (verdict: number): Score => complaintOf(posted, verdict);
  const key = await openDeliveredKey(context, posted);
  if (key === undefined) return { score: complaint(BAD_KEY) };
  const testKey = toHex(key);
  context.log.debug('test key opened');
  const opened = await openTestSet(bounded, posted, key);
  if (opened === undefined) return { score: complaint(BAD_SET), testKey };
  context.log.debug('test set opened', { samples: opened.labels.length });
  const file = await fetchModel(bounded, posted, opened.job);
  context.log.debug('model fetched', { bytes: file.length });
  const { correct, total, outputsRoot } = await scoreOnThread(
    { file, inputs: opened.inputs, labels: opened.labels, kernel: context.kernel },
    context.signal,
  );
  const score = {
    correct,
    total,
    outputsRoot: toHex(outputsRoot),
    modelHash: posted.modelHash,
    verdict: SCORE,
  };
  return { score, testKey };
}

/** Undefined when what was delivered is not the key committed to. */
async function openDeliveredKey(
  context: EvaluatorContext,
  posted: PostedJob,
): Promise<Uint8Array | undefined> {
  const { account, keys, domain } = context;
  const wrapped = await deliveredKey(context, posted);
  const associated = keyContext('test', domain, posted.id, account);
  const key = await unwrapKey(keys.reader.privateKey, fromHex(wrapped), associated).catch(() => undefined);
  if (key === undefined) {
    context.log.warn('the delivered test key does not open', { jobId: posted.id, client: posted.client });
    return undefined;
  }
  return equalBytes(sha256(key), fromHex(posted.post.testKeyCommitment)) ? key : undefined;
}

/** The newest delivery to this evaluator: a redraw may deliver twice. */
async function deliveredKey({ market, account }: EvaluatorContext, posted: PostedJob): Promise<Hex> {
  const query = { fromHeight: posted.postedAt, jobId: posted.id, names: ['TestKeyDelivered'] as const };
  const events = await market.events(query);
  const own = events.filter((event) => event.name === 'TestKeyDelivered' && event.evaluator === account);
  const last = own.at(-1);
  if (last?.name === 'TestKeyDelivered') return last.wrapped;
  throw new FedaiError(
    'KEY_MISSING',
    'the test key is not delivered yet',
    { jobId: posted.id },
    { transient: true },
  );
}

interface OpenedSet {
  job: Job;
  inputs: Uint8Array;
  labels: Uint8Array;
}

/** Undefined when document or set are not what was posted. */
async function openTestSet(
  context: EvaluatorContext,
  posted: PostedJob,
  key: Uint8Array,
): Promise<OpenedSet | undefined> {
  const { log } = context;
  try {
    const job = await readDocument(context, posted);
    const { content } = context.peer;
    const { manifest } = job.document.data.test;
    const dataset = await openDataset(content, manifest, {
      key,
      timeoutMs: FETCH_TIMEOUT_MS,
      signal: context.signal,
    });
    const fits = dataset.shape.reduce((product, side) => product * side, 1) === job.model.inputSize;
    const committed = equalBytes(dataset.plaintextRoot, fromHex(posted.post.testRoot));
    if (fits && committed && dataset.classes <= job.model.classes) return { job, ...(await dataset.all()) };
    log.warn('the test set is not the one posted', { jobId: posted.id, fits, committed });
  } catch (error) {
    if (!(error instanceof FedaiError) || error.transient || !isBadSet(error)) throw error;
    log.warn('the test set is bad', { jobId: posted.id, error });
  }
  return undefined;
}

const isBadSet = (error: FedaiError): boolean =>
  BAD_SET_CODES.includes(error.code) || /^BAD_(JOB|MODEL|RECIPE)$/.test(error.code);

/** Throws `BAD_JOB` when the bytes are not the document that was posted. */
async function readDocument({ peer, signal }: EvaluatorContext, posted: PostedJob): Promise<Job> {
  const bytes = await peer.content.getBytes(posted.post.documentCid, {
    maxBytes: JOB_LIMITS.documentBytes,
    timeoutMs: FETCH_TIMEOUT_MS,
    signal,
  });
  if (!equalBytes(sha256(bytes), fromHex(posted.post.documentHash))) {
    throw new FedaiError('BAD_JOB', 'the document has another hash than posted', { jobId: posted.id });
  }
  return decodeJob(bytes);
}
