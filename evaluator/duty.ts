/** One job from the point of view of the evaluator pool: waits to be drawn, then scores, commits, reveals and keeps the results. */
import { FedaiError, tellHostFault } from '../core/index.ts';
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
  ZERO_HASH,
} from '../market/index.ts';
import type { EvaluatorContext } from './context.ts';
import { keepResults } from './keep.ts';
import { evaluatorAction, fetchingIsOver } from './plan.ts';
import type { ScoreRecord } from './record.ts';
import { judge, recordOnDisk, recoverRecord } from './verdict.ts';

export interface Duty {
  /** Tells the duty what the chain shows now; returns at once. */
  offer(posted: PostedJob, height: number): void;
  readonly finished: boolean;
  /** The model is being scored. */
  readonly busy: boolean;
  stop(): Promise<void>;
}

interface Running {
  context: EvaluatorContext;
  trigger: ReturnType<typeof createTrigger>;
  /** Draws in which this evaluator was told of. */
  announced: Set<number>;
  /** Draws whose record on disk is damaged. */
  damaged: Set<number>;
  /** Draws whose commitment cannot be opened any more. */
  lost: Set<number>;
  /** The attempt to score that runs now. */
  assessing: { sinceHeight: number; fetching: AbortController } | undefined;
  keeping: Promise<void> | undefined;
  finished: boolean;
}

export function startDuty(context: EvaluatorContext, jobId: bigint): Duty {
  const log = context.log.child({ jobId });
  const duty: Running = {
    context: { ...context, log },
    trigger: createTrigger(context.market, log),
    announced: new Set(),
    damaged: new Set(),
    lost: new Set(),
    assessing: undefined,
    keeping: undefined,
    finished: false,
  };
  const inTurn = (step: (duty: Running, posted: PostedJob, height: number) => Promise<void>) =>
    createLatest<{ posted: PostedJob; height: number }>(async ({ posted, height }) => {
      try {
        if (!duty.finished) await step(duty, posted, height);
      } catch (error) {
        if (!context.signal.aborted) report(duty, error);
      }
    });
  // Two lines of work: what others wait for does not wait for an own score that takes its time.
  const own = inTurn(follow);
  const common = inTurn(moveOn);
  return {
    offer(posted, height) {
      endFetching(duty, posted, height);
      own.offer({ posted, height });
      common.offer({ posted, height });
    },
    get finished() {
      return duty.finished;
    },
    get busy() {
      return duty.assessing !== undefined;
    },
    async stop() {
      await Promise.all([own.close(), common.close()]);
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
  tellHostFault(error, context.onFault);
  if (error instanceof FedaiError && error.transient) context.log.info('waiting', { error });
  else if (error instanceof FedaiError)
    context.log.warn('a step failed and will be tried again', { code: error.code, error });
  else
    context.log.error('a step failed', { error: { message: String(error), stack: (error as Error).stack } });
}

async function follow(duty: Running, posted: PostedJob, height: number): Promise<void> {
  if (isFinal(posted.state)) return settle(duty, posted);
  if (posted.state !== 'Evaluating' || posted.attempt === 0 || posted.phase === 'Draw') return;
  const { market, account } = duty.context;
  if ((await market.evaluatorsOf(posted.id)).includes(account)) await serve(duty, posted, height);
}

/** The own next step in the present draw. */
async function serve(duty: Running, posted: PostedJob, height: number): Promise<void> {
  const { context } = duty;
  const { market, account } = context;
  const { id, attempt } = posted;
  if (!duty.announced.has(attempt)) {
    duty.announced.add(attempt);
    context.onEvent({ type: 'drawn', jobId: id, attempt });
    context.log.info('drawn', { attempt });
  }
  const evaluation = await market.evaluationOf(id, account);
  const record = await recordOnDisk(context, posted, duty.damaged);
  const commitment = record && scoreCommitment(id, account, record.score, record.salt);
  const commitmentIsOwn = commitment === evaluation.commitment;
  const hasRecord = record !== undefined;
  const action = evaluatorAction({ job: posted, evaluation, hasRecord, commitmentIsOwn });
  if (action === 'assess') await commit(duty, posted, await assessOnce(duty, posted, height));
  else if (action === 'commit') await commit(duty, posted, record!);
  else if (action === 'reveal') await reveal(duty, posted, record!);
  else if (action === 'recover') await recover(duty, posted, evaluation);
  if (hasRecord) duty.keeping ??= keepResults(context, posted);
}

async function assessOnce(duty: Running, posted: PostedJob, height: number): Promise<ScoreRecord> {
  const fetching = new AbortController();
  duty.assessing = { sinceHeight: height, fetching };
  try {
    return await judge(duty.context, posted, fetching.signal);
  } finally {
    duty.assessing = undefined;
  }
}

/** The record comes back to disk, where the next height finds it; what cannot come back is said once. */
async function recover(duty: Running, posted: PostedJob, evaluation: Evaluation): Promise<void> {
  const { attempt } = posted;
  if (duty.lost.has(attempt)) return;
  if ((await recoverRecord(duty.context, posted, evaluation)) !== undefined) return;
  duty.lost.add(attempt);
  duty.context.log.error('what was committed cannot be revealed, and stake will be lost', { attempt });
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
async function moveOn(duty: Running, posted: PostedJob, height: number): Promise<void> {
  if (posted.state !== 'Evaluating') return;
  const { market, account } = duty.context;
  const drawn = posted.attempt > 0 ? await market.evaluatorsOf(posted.id) : [];
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
  const { market, account, onEvent } = context;
  const record = posted.attempt > 0 ? await recordOnDisk(context, posted, duty.damaged) : undefined;
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
