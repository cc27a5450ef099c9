/** One assigned job from assignment to pay: follows what the chain says and keeps a training round running while there is one. */
import { FedaiError, type Hex, tellHostFault } from '../core/index.ts';
import { createLatest, createTrigger, isFinal, type Job as PostedJob, turnOf } from '../market/index.ts';
import { type AgreedState, adopt, fixingEvent, initialAgreed } from './agreed.ts';
import { slotsOf } from './bitmap.ts';
import type { Assignment, WorkerContext } from './context.ts';
import { type JobStore, openJobStore } from './jobStore.ts';
import { type JobTopic, joinJobTopic } from './jobTopic.ts';
import type { DrawnSegment } from './opener.ts';
import { prepare } from './prepare.ts';
import { makeResult, type Result, submitResult } from './result.ts';
import { type RoundRunner, runRound } from './roundRunner.ts';
import { createTraceBook, type TraceBook } from './traceBook.ts';

export interface JobRun {
  /** Tells the run what the chain shows now; returns at once. */
  offer(posted: PostedJob, height: number): void;
  /** The bundle of an own drawn segment; undefined while the job is not ready here. */
  bundle(drawn: DrawnSegment): Promise<Uint8Array | undefined>;
  /** The job is settled and its pay withdrawn. */
  readonly finished: boolean;
  stop(): Promise<void>;
}

/** Blocks that a slot leaves to the one before it to submit the result. */
const RESULT_TURN_BLOCKS = 3;

interface Running {
  context: WorkerContext;
  workers: readonly Hex[];
  store: JobStore;
  trigger: ReturnType<typeof createTrigger>;
  assignment?: Assignment;
  traces?: TraceBook;
  topic?: JobTopic;
  agreed?: AgreedState;
  /** The fixed state that is looked for now, as the number of rounds that led to it. */
  adopting?: { rounds: number; ended: AbortController };
  runner?: RoundRunner;
  result?: Result;
  trainedAtHeight?: number;
  finished: boolean;
}

/** `workers`: slot order, with the own account among them. */
export function startJobRun(context: WorkerContext, jobId: bigint, workers: readonly Hex[]): JobRun {
  const log = context.log.child({ jobId });
  const run: Running = {
    context: { ...context, log },
    workers,
    store: openJobStore(context.dataDir, jobId),
    trigger: createTrigger(context.market, log),
    finished: false,
  };
  const inTurn = (step: (run: Running, posted: PostedJob, height: number) => Promise<void>) =>
    createLatest<{ posted: PostedJob; height: number }>(async ({ posted, height }) => {
      try {
        if (!run.finished) await step(run, posted, height);
      } catch (error) {
        if (context.signal.aborted) return;
        tellHostFault(error, context.onFault);
        const waiting = error instanceof FedaiError && error.transient;
        if (waiting) log.info('waiting', { error });
        else log.warn('a step of the job failed and will be tried again', { error: errorOf(error) });
      }
    });
  // Two lines of work: a deadline that passed does not wait for keys or content that never come.
  const own = inTurn(follow);
  const common = inTurn(moveOn);
  return {
    offer(posted, height) {
      endAdopting(run, posted);
      own.offer({ posted, height });
      common.offer({ posted, height });
    },
    bundle: async (drawn) => await run.traces?.bundle(drawn),
    get finished() {
      return run.finished;
    },
    async stop() {
      run.runner?.stop();
      run.topic?.close();
      await closeAssignment(run);
      await Promise.all([own.close(), common.close(), run.traces?.idle()]);
    },
  };
}

/** A state that nobody has may take long; once the chain has moved on, another one is wanted. */
function endAdopting({ adopting }: Running, { state, roundsFixed }: PostedJob): void {
  if (adopting === undefined || (!isFinal(state) && roundsFixed === adopting.rounds)) return;
  adopting.ended.abort(new FedaiError('MOVED_ON', 'the chain has moved on', {}, { transient: true }));
}

const errorOf = (error: unknown): unknown =>
  error instanceof FedaiError ? error : { message: String(error), stack: (error as Error).stack };

async function follow(run: Running, posted: PostedJob, height: number): Promise<void> {
  if (isFinal(posted.state)) return settle(run, posted);
  const { assignment: held } = run;
  if (held !== undefined && !(held.trainer.alive && held.hasher.alive)) forgetAssignment(run);
  const assignment = await ready(run, posted);
  if (run.agreed === undefined || run.agreed.rounds < posted.roundsFixed)
    await catchUp(run, assignment, posted);
  if (posted.state === 'Training') await trainOn(run, assignment, posted, height);
  else endRound(run);
}

async function closeAssignment({ assignment }: Running): Promise<void> {
  await Promise.all([assignment?.trainer.close(), assignment?.hasher.close()]);
}

/** After a thread died (memory, a fault of the engine): everything is made ready anew. */
function forgetAssignment(run: Running): void {
  run.context.log.warn('a thread of the trainer died; starting another');
  endRound(run);
  run.topic?.close();
  delete run.topic;
  delete run.traces;
  void closeAssignment(run);
  delete run.assignment;
}

/** Prepares once; the topic is joined as soon as messages can be judged. */
async function ready(run: Running, posted: PostedJob): Promise<Assignment> {
  if (run.assignment !== undefined) return run.assignment;
  const { context } = run;
  const assignment = await prepare(context, posted, run.workers);
  const firstSequence = await run.store.firstSequence(context.clock.now());
  run.assignment = assignment;
  run.traces = createTraceBook(context, assignment, run.store);
  run.topic = joinJobTopic({
    gossip: context.peer.gossip,
    clock: context.clock,
    domain: context.domain,
    jobId: posted.id,
    workers: run.workers,
    privateKey: context.keys.evm.privateKey,
    firstSequence,
    onMessage: (message) => run.runner?.deliver(message),
  });
  const { slot } = assignment;
  context.onEvent({ type: 'assigned', jobId: posted.id, slot, kernel: assignment.trainer.kernel });
  context.log.info('assigned', { slot, kernel: assignment.trainer.kernel });
  return assignment;
}

/** Adopts the newest state that the chain fixed, whatever this worker made of the round itself. */
async function catchUp(run: Running, assignment: Assignment, posted: PostedJob): Promise<void> {
  const { context } = run;
  run.agreed ??= await initialAgreed(assignment);
  if (posted.roundsFixed === run.agreed.rounds) return;
  endRound(run);
  const before = run.agreed;
  const fixed = await fixingEvent(context, posted.id, posted.roundsFixed - 1);
  const ended = new AbortController();
  run.adopting = { rounds: posted.roundsFixed, ended };
  const signal = AbortSignal.any([context.signal, ended.signal]);
  run.agreed = await adopt(context, assignment, run.store, fixed, signal).finally(() => delete run.adopting);
  context.states.keepOnly(posted.id, new Set([before.state.stateRoot, run.agreed.state.stateRoot]));
  if (before.stateCid !== undefined && before.stateCid !== run.agreed.stateCid) {
    await context.peer.content.unpin(before.stateCid);
  }
  const contributors = slotsOf(fixed.contributors);
  const loss = Number(fixed.loss) / 65_536;
  context.onEvent({ type: 'fixed', jobId: posted.id, round: fixed.round, loss, contributors });
}

function endRound(run: Running): void {
  run.runner?.stop();
  delete run.runner;
}

async function trainOn(
  run: Running,
  assignment: Assignment,
  posted: PostedJob,
  height: number,
): Promise<void> {
  const agreed = run.agreed!;
  if (agreed.rounds < posted.post.rounds) {
    run.runner ??= runRound(run.context, assignment, run.topic!, agreed.rounds, agreed.state, (trace) =>
      run.traces?.add(trace),
    );
    return;
  }
  run.result ??= await makeResult(run.context, assignment, agreed);
  run.trainedAtHeight ??= height;
  const slots = run.workers.length;
  const rank = (assignment.slot + slots - (posted.post.rounds % slots)) % slots;
  if (height - run.trainedAtHeight < rank * RESULT_TURN_BLOCKS) return;
  if (!(await submitResult(run.context, assignment, run.result))) return;
  const { weightsRoot, modelCid } = run.result;
  run.context.onEvent({ type: 'submitted', jobId: posted.id, modelHash: weightsRoot, modelCid });
}

/** Workers push the job on past others' deadlines, after the client and the evaluators had their turn. */
async function moveOn(run: Running, posted: PostedJob, height: number): Promise<void> {
  if (isFinal(posted.state)) return;
  const { account } = run.context;
  const turn = 2 + turnOf(posted.id, posted.phase, account, run.workers);
  // Only a missed deadline concerns a worker: `pending: 1` says that reveals may still come.
  await run.trigger({ job: posted, height, pending: 1, turn });
}

/** Takes the pay; the model stays pinned as long as this process serves it. */
async function settle(run: Running, posted: PostedJob): Promise<void> {
  const { context } = run;
  endRound(run);
  const amount = await context.market.withdrawable(context.account);
  if (amount > 0n) {
    await context.market.withdraw();
    context.onEvent({ type: 'withdrawn', amount });
  }
  const rewards = await context.market.workWithdrawable(context.account);
  if (rewards > 0n) {
    await context.market.withdrawWork();
    context.onEvent({ type: 'withdrawn', amount: rewards });
  }
  const { court } = context.market;
  const owed = (await court?.withdrawable(context.account)) ?? 0n;
  if (owed > 0n) {
    await court!.withdraw();
    context.onEvent({ type: 'withdrawn', amount: owed });
  }
  run.topic?.close();
  await closeAssignment(run);
  context.states.keepOnly(posted.id, new Set());
  await run.store.clear();
  run.finished = true;
  context.onEvent({ type: 'settled', jobId: posted.id, state: posted.state, exit: posted.exit });
}
