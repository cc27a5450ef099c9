/** Thin I/O around the round machine: carries out its effects, feeds back what came of them, and keeps saying what was said. */
import { type Hex, type TimerHandle, tellHostFault, toHex } from '../core/index.ts';
import { isRevert, roundClaimDigest, signDigest } from '../market/index.ts';
import type { Assignment, WorkerContext } from './context.ts';
import { type JobTopic, toRoundClaim } from './jobTopic.ts';
import type { RoundMessage } from './messages.ts';
import { newRound, stepRound } from './round.ts';
import {
  type Claim,
  type Contribution,
  claimKey,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
} from './roundTypes.ts';
import { floorMean } from './share.ts';
import { type Trace, trainTraced } from './traces.ts';
import type { EncodedState } from './trainerTypes.ts';

export interface RoundRunner {
  readonly round: number;
  deliver(message: RoundMessage): void;
  /** Ends every effect; nothing is said any more. */
  stop(): void;
}

/** Fine enough that a time-out is noticed promptly, coarse enough to cost nothing. */
const TICK_MS = 200;
/** Gossip forgets; whoever joins late hears the present messages within this time. */
const REPEAT_MS = 1_000;
/** One block and its polling: another slot's commitRound is then visible. */
const SUBMIT_PATIENCE_MS = 4_000;
/** Share of the round's time-out that one leader has. */
const ATTEMPT_SHARE = 4;
const SHORTEST_ATTEMPT_MS = 1_000;

/** Data that could not be read now may be there in a moment; the round waits for its time-out anyway. */
const TRAIN_AGAIN_MS = 2_000;

interface Running {
  context: WorkerContext;
  assignment: Assignment;
  topic: JobTopic;
  agreed: EncodedState;
  /** The own share is trained: its trace is to be committed. */
  onTrace: (trace: Trace) => void;
  round: number;
  signal: AbortSignal;
  /** What is repeated until the round is over. */
  outbox: Map<string, RoundMessage>;
  dispatch(event: RoundEvent): void;
}

/** Starts training round `round` from the agreed state. */
export function runRound(
  context: WorkerContext,
  assignment: Assignment,
  topic: JobTopic,
  round: number,
  agreed: EncodedState,
  onTrace: (trace: Trace) => void,
): RoundRunner {
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  let state = newRound(parametersOf(assignment, round));
  const dispatch = (event: RoundEvent): void => {
    if (signal.aborted) return;
    const step: { state: RoundState; effects: readonly RoundEffect[] } = stepRound(state, event);
    state = step.state;
    for (const effect of step.effects) void perform(running, effect);
  };
  const running: Running = {
    context,
    assignment,
    topic,
    agreed,
    onTrace,
    round,
    signal,
    outbox: new Map(),
    dispatch,
  };
  const timers = [
    every(context, TICK_MS, signal, () => dispatch({ type: 'tick', nowMs: context.steady.now() })),
    every(context, REPEAT_MS, signal, () => running.outbox.forEach((message) => void say(running, message))),
  ];
  dispatch({ type: 'started', nowMs: context.steady.now() });
  return {
    round,
    deliver: (message) => deliver(running, message),
    stop() {
      ended.abort();
      for (const timer of timers) timer.cancel();
    },
  };
}

function parametersOf({ job, slot }: Assignment, round: number): RoundState['parameters'] {
  const { roundTimeoutMs } = job.document;
  return {
    round,
    slot,
    workers: job.document.training.workers,
    roundTimeoutMs,
    attemptMs: Math.max(SHORTEST_ATTEMPT_MS, Math.floor(roundTimeoutMs / ATTEMPT_SHARE)),
    submitPatienceMs: SUBMIT_PATIENCE_MS,
  };
}

function every(context: WorkerContext, ms: number, signal: AbortSignal, action: () => void): TimerHandle {
  let timer: TimerHandle;
  const again = (): void => {
    if (signal.aborted) return;
    action();
    timer = context.steady.setTimer(ms, again);
  };
  timer = context.steady.setTimer(ms, again);
  return { cancel: () => timer.cancel() };
}

function deliver({ round, dispatch }: Running, message: RoundMessage): void {
  if (message.kind === 'contribution') {
    if (message.round === round) dispatch({ type: 'contribution', contribution: message.contribution });
  } else if (message.claim.round === round) {
    dispatch({ type: 'claim', slot: message.slot, claim: message.claim, signature: message.signature });
  }
}

async function say({ topic, signal, context }: Running, message: RoundMessage): Promise<void> {
  if (signal.aborted) return;
  await topic.publish(message).catch((error: unknown) => {
    context.log.debug('could not publish', { error });
  });
}

/** Carries out one effect. What fails is logged; the machine's time-outs deal with what does not come. */
async function perform(running: Running, effect: RoundEffect): Promise<void> {
  if (running.signal.aborted) return;
  try {
    switch (effect.type) {
      case 'train':
        return await train(running);
      case 'publishContribution':
        return await publishContribution(running, effect.contribution);
      case 'fetch':
        return await fetchState(running, effect.contribution);
      case 'average':
        return await average(running, effect.contributors);
      case 'attest':
        return await attest(running, effect.claim);
      case 'submit':
        return await submit(running, effect.claim, effect.signatures);
    }
  } catch (error) {
    if (running.signal.aborted) return;
    tellHostFault(error, running.context.onFault);
    running.context.log.warn('a part of a training round failed', {
      jobId: running.assignment.jobId,
      round: running.round,
      effect: effect.type,
      error,
    });
    if (effect.type === 'train')
      running.context.steady.setTimer(TRAIN_AGAIN_MS, () => void perform(running, effect));
  }
}

async function train(running: Running): Promise<void> {
  const { context, assignment, round, agreed, signal, dispatch } = running;
  const { jobId, slot } = assignment;
  const startedAt = context.steady.now();
  const { share, trace } = await trainTraced(assignment, round, agreed, signal);
  const { state, lossQ16, steps, samples } = share;
  const stateRoot = toHex(trace.claim.endRoot);
  running.onTrace(trace);
  const seconds = Math.max(1, context.steady.now() - startedAt) / 1000;
  context.states.hold(jobId, stateRoot, state);
  context.onEvent({
    type: 'trained',
    jobId,
    round,
    steps,
    loss: lossQ16 / 65_536,
    samplesPerSecond: samples / seconds,
  });
  const { peerId } = context.peer;
  dispatch({ type: 'trained', contribution: { slot, stateRoot, lossQ16, peerId } });
}

async function publishContribution(running: Running, contribution: Contribution): Promise<void> {
  const message: RoundMessage = { kind: 'contribution', round: running.round, contribution };
  running.outbox.set('contribution', message);
  await say(running, message);
}

async function fetchState(running: Running, { stateRoot, peerId }: Contribution): Promise<void> {
  const { context, assignment, agreed, round, signal, dispatch } = running;
  try {
    const bytes = await context.states.fetch(peerId, stateRoot, agreed.bytes.length, signal);
    const checked = await assignment.trainer.check(bytes);
    const expected = assignment.job.document.training.stepsPerRound * (round + 1);
    if (checked.stateRoot !== stateRoot || checked.counter !== expected) {
      context.log.warn('a peer sent another state than it named', { round, peerId, ...checked, expected });
      return dispatch({ type: 'fetchFailed', stateRoot });
    }
    context.states.hold(assignment.jobId, stateRoot, bytes);
    dispatch({ type: 'held', stateRoot });
  } catch (error) {
    dispatch({ type: 'fetchFailed', stateRoot });
    throw error;
  }
}

async function average(running: Running, contributors: readonly Contribution[]): Promise<void> {
  const { context, assignment, round, dispatch } = running;
  const states = contributors.map(({ stateRoot }) => context.states.held(stateRoot)!);
  const mean = await assignment.trainer.average(states);
  // Kept in the content store only: means of sets that are not agreed on must not pile up in memory.
  dispatch({
    type: 'averaged',
    claim: {
      round,
      stateRoot: mean.stateRoot,
      stateCid: await context.peer.content.putBytes(mean.bytes),
      contributors: contributors.map(({ slot }) => slot),
      lossQ16: floorMean(contributors.map(({ lossQ16 }) => lossQ16)),
    },
  });
}

async function attest(running: Running, claim: Claim): Promise<void> {
  const { context, assignment, round, dispatch } = running;
  const { jobId, slot } = assignment;
  const digest = roundClaimDigest(context.domain, jobId, round, toRoundClaim(claim));
  const signature = signDigest(context.keys.evm.privateKey, digest);
  const message: RoundMessage = { kind: 'claim', slot, claim, signature };
  running.outbox.set(claimKey(claim), message);
  dispatch({ type: 'claim', slot, claim, signature });
  await say(running, message);
}

async function submit(running: Running, claim: Claim, signatures: readonly Hex[]): Promise<void> {
  const { context, assignment, round, dispatch } = running;
  try {
    await context.market.commitRound(assignment.jobId, round, toRoundClaim(claim), signatures);
  } catch (error) {
    dispatch({ type: 'submitFailed' });
    // Another slot was quicker: the chain's record is adopted at the next height.
    if (!isRevert(error, 'JobManagerWrongRound', 'JobManagerWrongState')) throw error;
  }
}
