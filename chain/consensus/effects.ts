/** Carries out what the machine of one height asks for: building, signing, sending, timers. Decides nothing. */
import { fromHex, type TimerHandle } from '../../core/index.ts';
import {
  type Carried,
  type ConsensusSection,
  encodeCommit,
  encodeSection,
  nextBeacon,
  randaoSignBytes,
  voteSignBytes,
} from '../../light/index.ts';
import type { Block } from '../types.ts';
import { FIRST_ROUND_WITHOUT_WORK } from './block-rules.ts';
import { blockId, type Candidates } from './candidates.ts';
import { addressOf, type HeightContext, parentCommitHash } from './height.ts';
import type { Input } from './inputs.ts';
import type { BlockId, Effect, MachineState, TimedStep } from './machine-state.ts';
import { type ConsensusMessage, proposalSignBytes } from './messages.ts';
import type { Signer, SignRequest } from './signer.ts';
import type { ConsensusOptions, ConsensusTiming } from './types.ts';

export interface EffectDeps {
  options: ConsensusOptions;
  context: HeightContext;
  candidates: Candidates;
  /** Null for an observer; the machine then asks for no signature. */
  signer: Signer | null;
  serial: <T>(call: () => Promise<T>) => Promise<T>;
  /** Makes the inputs so far survive a power cut: what is signed must follow from what is on disk. */
  syncLog: () => void;
  take: (input: Input) => void;
  decide: (round: number, id: BlockId) => void;
  timers: Set<TimerHandle>;
  isOpen: () => boolean;
}

export function perform(deps: EffectDeps, effect: Effect, state: MachineState): void {
  switch (effect.type) {
    case 'getValue':
      getValue(deps, effect.round);
      break;
    case 'broadcastProposal':
      sendProposal(deps, effect, state);
      break;
    case 'broadcastVote':
      sendVote(deps, effect, state);
      break;
    case 'scheduleTimeout':
      scheduleTimeout(deps, effect.step, effect.round);
      break;
    case 'wantBlock':
      deps.candidates.fetch(effect.id, undefined, true);
      break;
    case 'decide':
      deps.decide(effect.round, effect.id);
      break;
  }
}

/**
 * Rounds that fail for hours (proposers away, blocks that never come) must not make one absent proposer cost minutes
 * afterwards. The assumption of progress becomes that a message takes less than this, far above any working network.
 */
const MAX_GROWTH_MS = 60_000;

export function timeoutMs(timing: ConsensusTiming, step: TimedStep, round: number): number {
  const base = {
    propose: timing.proposeTimeoutMs,
    prevote: timing.prevoteTimeoutMs,
    precommit: timing.precommitTimeoutMs,
  };
  return base[step] + Math.min(round * timing.timeoutDeltaMs, MAX_GROWTH_MS);
}

function scheduleTimeout(deps: EffectDeps, step: TimedStep, round: number): void {
  const { clock, timing } = deps.options;
  const timer = clock.setTimer(timeoutMs(timing, step, round), () => {
    deps.timers.delete(timer);
    deps.take({ kind: 'timeout', step, round });
  });
  deps.timers.add(timer);
}

function getValue(deps: EffectDeps, round: number): void {
  const { log } = deps.options;
  void deps
    .serial(async () => (deps.isOpen() ? await buildBlock(deps, round) : undefined))
    .then((block) => {
      if (block === undefined || !deps.isOpen()) return;
      const id = blockId(block);
      deps.take({ kind: 'block', id, block, valid: true });
      deps.take({ kind: 'value', round, id });
    })
    .catch((cause) => log.error('could not build a block', { height: deps.context.height, round, cause }));
}

const NOTHING: Carried = { work: null, verdict: null };

/** A proof or a verdict that the contracts refuse must not cost the height its block. */
async function buildBlock(deps: EffectDeps, round: number): Promise<Block> {
  const { work } = deps.options;
  const mayCarry = work !== undefined && round < FIRST_ROUND_WITHOUT_WORK;
  const carried = mayCarry ? await work.choose() : NOTHING;
  try {
    return await buildWith(deps, round, carried);
  } catch (cause) {
    const refused = carried.work ?? carried.verdict;
    if (refused === null) throw cause;
    deps.options.log.warn('a block with this proof cannot be built', { ...refused, cause });
    return await buildWith(deps, round, NOTHING);
  }
}

async function buildWith(deps: EffectDeps, round: number, carried: Carried): Promise<Block> {
  const { options, context, signer } = deps;
  const { height, parent, parentCommit } = context;
  const randaoReveal =
    round === 0 && signer !== null
      ? signer.reveal(randaoSignBytes(options.chainId, height))
      : new Uint8Array(0);
  const section: ConsensusSection = {
    version: 1,
    round,
    parentCommitHash: parentCommitHash(parentCommit),
    validatorsHash: context.validatorsHash,
    nextValidatorsHash: context.nextValidatorsHash,
    randaoReveal,
    ...carried,
  };
  return await options.application.buildBlock({
    height,
    round,
    proposer: addressOf(context, round),
    beacon: nextBeacon(parent.mixHash, randaoReveal),
    section,
    parentCommit,
    nowMs: options.clock.now(),
  });
}

function sendProposal(
  deps: EffectDeps,
  { round, validRound, id }: Effect & { type: 'broadcastProposal' },
  state: MachineState,
): void {
  const { options, context } = deps;
  const { height } = context;
  const block = deps.candidates.get(id);
  if (block === undefined) {
    deps.candidates.fetch(id, undefined, true);
    return;
  }
  const signBytes = proposalSignBytes(options.chainId, { height, round, validRound }, fromHex(id));
  const signature = signed(deps, { height, round, step: 'propose', signBytes, lock: lockOf(state) });
  if (signature === undefined) return;
  send(deps, {
    kind: 'proposal',
    height,
    round,
    validRound,
    header: block.header.serialize(),
    section: encodeSection(block.section),
    parentCommit: block.parentCommit === null ? new Uint8Array(0) : encodeCommit(block.parentCommit),
    signature,
    attempt: 0,
  });
}

function sendVote(
  deps: EffectDeps,
  { vote, round, id }: Effect & { type: 'broadcastVote' },
  state: MachineState,
): void {
  const { options, context } = deps;
  const { height, machine } = context;
  if (machine.self === null) return;
  const blockHash = id === null ? null : fromHex(id);
  const signBytes = voteSignBytes({ chainId: options.chainId, type: vote, height, round, blockHash });
  const signature = signed(deps, { height, round, step: vote, signBytes, lock: lockOf(state) });
  if (signature === undefined) return;
  const validator = machine.self;
  send(deps, { kind: 'vote', type: vote, height, round, blockHash, validator, signature, attempt: 0 });
}

const lockOf = (state: MachineState) => ({ round: state.lockedRound, id: state.lockedValue });

function signed(deps: EffectDeps, request: SignRequest): Uint8Array | undefined {
  if (deps.signer === null) return undefined;
  deps.syncLog();
  const answer = deps.signer.sign(request);
  if ('signature' in answer) return answer.signature;
  const { height, round, step } = request;
  deps.options.log.warn('not signed', { height, round, step, reason: answer.refused });
  return undefined;
}

function send(deps: EffectDeps, message: ConsensusMessage): void {
  deps.options.network.broadcast(message);
  deps.take({ kind: 'message', message });
}
