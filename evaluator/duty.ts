/** One job from the point of view of the evaluator pool: waits to be drawn, then scores, commits, reveals and keeps the results. */
import { FedaiError, type Hex, toHex } from '../core/index.ts';
import {
  createLatest,
  createTrigger,
  type Evaluation,
  isFinal,
  isRevert,
  type Job as PostedJob,
  pendingReveals,
  scoreCommitment,
  scoreDigest,
  signDigest,
  turnOf,
  verdicts,
  ZERO_HASH,
} from '../market/index.ts';
import { type Assessment, assess, cannotBeScored } from './assess.ts';
import type { EvaluatorContext } from './context.ts';
import { keepResults } from './keep.ts';
import { evaluatorAction, fetchingIsOver, isLastCall } from './plan.ts';
import { loadRecord, type ScoreRecord, saveRecord } from './record.ts';

export interface Duty {
  /** Tells the duty what the chain shows now; returns at once. */
  offer(posted: PostedJob, height: number): void;
  readonly finished: boolean;
  stop(): Promise<void>;
}

interface Running {
  context: EvaluatorContext;
  trigger: ReturnType<typeof createTrigger>;
  /** Draws in which this evaluator was told of. */
  announced: Set<number>;
  /** The attempt to score that runs now. */
  assessing: { sinceHeight: number; fetching: AbortController } | undefined;
  keeping: Promise<void> | undefined;
  finished: boolean;
}

const SALT_BYTES = 32;

export function startDuty(context: EvaluatorContext, jobId: bigint): Duty {
  const log = context.log.child({ jobId });
  const duty: Running = {
    context: { ...context, log },
    trigger: createTrigger(context.market, log),
    announced: new Set(),
    assessing: undefined,
    keeping: undefined,
    finished: false,
  };
  const latest = createLatest<{ posted: PostedJob; height: number }>(async ({ posted, height }) => {
    try {
      await follow(duty, posted, height);
    } catch (error) {
      if (!context.signal.aborted) report(duty, error);
    }
  });
  return {
    offer(posted, height) {
      endFetching(duty, posted, height);
      latest.offer({ posted, height });
    },
    get finished() {
      return duty.finished;
    },
    async stop() {
      await latest.close();
      await duty.keeping;
    },
  };
}

/** Attempts run while heights go by: one that would outlast the time to commit is cut short here. */
function endFetching({ assessing }: Running, posted: PostedJob, height: number): void {
  if (assessing === undefined || !fetchingIsOver(posted, assessing.sinceHeight, height)) return;
  assessing.fetching.abort(
    new FedaiError('LAST_CALL', 'the time to commit runs out', { height }, { transient: true }),
  );
}

function report({ context }: Running, error: unknown): void {
  if (error instanceof FedaiError && error.transient) context.log.info('waiting', { error });
  else if (error instanceof FedaiError)
    context.log.warn('a step failed and will be tried again', { code: error.code, error });
  else
    context.log.error('a step failed', { error: { message: String(error), stack: (error as Error).stack } });
}

async function follow(duty: Running, posted: PostedJob, height: number): Promise<void> {
  if (duty.finished) return;
  if (isFinal(posted.state)) return settle(duty, posted);
  if (posted.state !== 'Evaluating') return;
  const { market, account } = duty.context;
  const drawn = posted.attempt > 0 ? await market.evaluatorsOf(posted.id) : [];
  if (posted.phase !== 'Draw' && drawn.includes(account)) await serve(duty, posted, height);
  await moveOn(duty, posted, height, drawn);
}

/** The own next step in the present draw. */
async function serve(duty: Running, posted: PostedJob, height: number): Promise<void> {
  const { context } = duty;
  const { market, account, dataDir } = context;
  const { id, attempt } = posted;
  if (!duty.announced.has(attempt)) {
    duty.announced.add(attempt);
    context.onEvent({ type: 'drawn', jobId: id, attempt });
    context.log.info('drawn', { attempt });
  }
  const evaluation = await market.evaluationOf(id, account);
  const record = await loadRecord(dataDir, id, attempt);
  const commitment = record && scoreCommitment(id, account, record.score, record.salt);
  const commitmentIsOwn = commitment === evaluation.commitment;
  const action = evaluatorAction({
    job: posted,
    evaluation,
    hasRecord: record !== undefined,
    commitmentIsOwn,
  });
  if (action === 'assess') await commit(duty, posted, await judge(duty, posted, height));
  else if (action === 'commit') await commit(duty, posted, record!);
  else if (action === 'reveal') await reveal(duty, posted, record!);
  if (record !== undefined) duty.keeping ??= keepResults(context, posted);
}

async function judge(duty: Running, posted: PostedJob, height: number): Promise<ScoreRecord> {
  const { context } = duty;
  const fetching = new AbortController();
  duty.assessing = { sinceHeight: height, fetching };
  const { score, testKey } = await assess(context, posted, fetching.signal)
    .catch((error: unknown) => complainLate(context, posted, error))
    .finally(() => {
      duty.assessing = undefined;
    });
  const salt = toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  const record: ScoreRecord = { score, salt, testKey };
  await saveRecord(context.dataDir, posted.id, posted.attempt, record);
  const { correct, total } = score;
  const verdict = verdicts[score.verdict]!;
  context.log.info('scored', { verdict, correct, total });
  context.onEvent({ type: 'scored', jobId: posted.id, verdict, correct, total });
  return record;
}

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

async function commit({ context }: Running, posted: PostedJob, record: ScoreRecord): Promise<void> {
  const { market, account, onEvent } = context;
  // Scoring may have outlasted the draw; a later one must not be committed to with what an earlier one revealed.
  if ((await market.job(posted.id)).attempt !== posted.attempt) return;
  try {
    await market.commitScore(posted.id, scoreCommitment(posted.id, account, record.score, record.salt));
    onEvent({ type: 'committed', jobId: posted.id });
  } catch (error) {
    if (!isRevert(error, 'JobManagerAlreadyCommitted', 'JobManagerWrongPhase')) throw error;
  }
}

async function reveal({ context }: Running, posted: PostedJob, record: ScoreRecord): Promise<void> {
  const { market, keys, domain, onEvent } = context;
  const signature = signDigest(keys.evm.privateKey, scoreDigest(domain, posted.id, record.score));
  try {
    await market.revealScore(posted.id, record.score, record.salt, signature);
    onEvent({ type: 'revealed', jobId: posted.id });
  } catch (error) {
    if (!isRevert(error, 'JobManagerAlreadyRevealed', 'JobManagerWrongPhase')) throw error;
  }
}

/** Moves the job on after the client had its turn; drawn evaluators go before the rest of the pool. */
async function moveOn(
  duty: Running,
  posted: PostedJob,
  height: number,
  drawn: readonly Hex[],
): Promise<void> {
  const { market, account } = duty.context;
  const interested = posted.phase === 'Draw' ? await market.evaluators() : drawn;
  if (!interested.includes(account)) return;
  const evaluations: Evaluation[] =
    posted.phase === 'Reveal'
      ? await Promise.all(interested.map((evaluator) => market.evaluationOf(posted.id, evaluator)))
      : [];
  const turn = 1 + turnOf(posted.id, posted.phase, account, interested);
  await duty.trigger({ job: posted, height, pending: pendingReveals(evaluations), turn });
}

/** Publishes the test key where the client did not, and takes the pay. */
async function settle(duty: Running, posted: PostedJob): Promise<void> {
  const { context } = duty;
  const { market, account, dataDir, onEvent } = context;
  const record = posted.attempt > 0 ? await loadRecord(dataDir, posted.id, posted.attempt) : undefined;
  if (record !== undefined) {
    duty.keeping ??= keepResults(context, posted);
    if (posted.testKey === ZERO_HASH && record.testKey !== undefined) {
      await market.publishTestKey(posted.id, record.testKey).catch((error: unknown) => {
        if (!isRevert(error)) throw error;
      });
    }
  }
  const amount = await market.withdrawable(account);
  if (amount > 0n) {
    await market.withdraw();
    onEvent({ type: 'withdrawn', amount });
  }
  await duty.keeping;
  duty.finished = true;
  if (record !== undefined)
    onEvent({ type: 'settled', jobId: posted.id, state: posted.state, exit: posted.exit });
}
