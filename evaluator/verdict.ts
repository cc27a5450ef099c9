/** The verdict of one draw and its record on disk: made once, read back after a restart, found again when the record is lost. */
import { FedaiError } from '../core/index.ts';
import { type Evaluation, type Job as PostedJob, scoreCommitment, verdicts } from '../market/index.ts';
import { type Assessment, assess, cannotBeScored, complaints } from './assess.ts';
import type { EvaluatorContext } from './context.ts';
import { isLastCall } from './plan.ts';
import { loadRecord, type ScoreRecord, saveRecord } from './record.ts';
import { saltOf } from './salt.ts';

/** Scores and puts the record on disk. `fetching` ends what the attempt fetches; then it is said that nothing can be scored. */
export async function judge(
  context: EvaluatorContext,
  posted: PostedJob,
  fetching: AbortSignal,
): Promise<ScoreRecord> {
  const assessment = await assess(context, posted, fetching).catch((error: unknown) =>
    complainLate(context, posted, error),
  );
  const record = recordOf(context, posted, assessment);
  await saveRecord(context.dataDir, posted.id, posted.attempt, record);
  const { correct, total, verdict: index } = record.score;
  const verdict = verdicts[index]!;
  context.log.info('scored', { verdict, correct, total });
  context.onEvent({ type: 'scored', jobId: posted.id, verdict, correct, total });
  return record;
}

const recordOf = (
  { keys, domain }: EvaluatorContext,
  { id, attempt }: PostedJob,
  { score, testKey }: Assessment,
): ScoreRecord => ({ score, testKey, salt: saltOf(keys.evm.privateKey, domain, id, attempt) });

/** What failed is tried again until the time to commit runs out; then it is said that it cannot be scored. */
async function complainLate(
  { market, log, signal }: EvaluatorContext,
  posted: PostedJob,
  error: unknown,
): Promise<Assessment> {
  if (signal.aborted) throw error;
  const [now, height] = await Promise.all([market.job(posted.id), market.height()]);
  if (now.attempt !== posted.attempt || !isLastCall(now, height)) throw error;
  log.warn('the job cannot be scored in time', { error });
  return cannotBeScored(posted);
}

/** The record of the present draw; a damaged one counts as none, and is said once. */
export async function recordOnDisk(
  { dataDir, log }: EvaluatorContext,
  { id, attempt }: PostedJob,
  said: Set<number>,
): Promise<ScoreRecord | undefined> {
  try {
    return await loadRecord(dataDir, id, attempt);
  } catch (error) {
    if (!(error instanceof FedaiError && error.code === 'BAD_RECORD')) throw error;
    if (!said.has(attempt)) log.warn('a saved score is damaged and left aside', { error });
    said.add(attempt);
    return undefined;
  }
}

/**
 * What the commitment on chain says, when the record of it is lost: the salt comes from the key, and the score is the
 * same however often it is made. Undefined when it cannot be found; throws transient errors as scoring does.
 */
export async function recoverRecord(
  context: EvaluatorContext,
  posted: PostedJob,
  { commitment }: Evaluation,
): Promise<ScoreRecord | undefined> {
  const { account, log } = context;
  const isIt = ({ score, salt }: ScoreRecord) =>
    scoreCommitment(posted.id, account, score, salt) === commitment;
  const said = complaints(posted).map((score) => recordOf(context, posted, { score }));
  const record = said.find(isIt) ?? recordOf(context, posted, await assess(context, posted));
  if (!isIt(record)) return undefined;
  await saveRecord(context.dataDir, posted.id, posted.attempt, record);
  log.info('found again what was committed', { verdict: verdicts[record.score.verdict]! });
  return record;
}
