/**
 * One height on one node: feeds inputs to the machine in order, each in the write-ahead log first, and carries out
 * the effects. Verified messages only; verification is intake.ts, the passage to the next height driver.ts.
 */
import { fromHex, type TimerHandle, toHex } from '../../core/index.ts';
import { type BlockCommit, hasCorrectOne, totalPower } from '../../light/index.ts';
import type { Block } from '../types.ts';
import { type Candidates, createCandidates } from './candidates.ts';
import { makeCommit } from './commits.ts';
import { type EffectDeps, perform } from './effects.ts';
import type { HeightContext } from './height.ts';
import type { Input } from './inputs.ts';
import { idleTimeout, restoreLock, step } from './machine.ts';
import {
  type BlockId,
  type Effect,
  initialState,
  type MachineEvent,
  type MachineState,
} from './machine-state.ts';
import { type ConsensusMessage, proposalBlockHash, type SignedProposal } from './messages.ts';
import { stillToDo } from './replay.ts';
import type { Signer } from './signer.ts';
import type { ConsensusOptions, Evidence } from './types.ts';
import { type Added, createVoteBook, type VoteBook } from './vote-book.ts';
import type { HeightLog } from './wal.ts';

export interface RunDeps {
  options: ConsensusOptions;
  context: HeightContext;
  signer: Signer | null;
  /** Null for an observer, which has nothing to protect. */
  wal: HeightLog | null;
  serial: <T>(call: () => Promise<T>) => Promise<T>;
  onDecided: (block: Block, commit: BlockCommit) => void;
  onEvidence: (evidence: Evidence) => void;
  onFault: (cause: unknown) => void;
}

/** Votes of later rounds are counted this far ahead; beyond, one message a validator is kept until f+1 are there. */
const MAX_ROUNDS_AHEAD = 64;

export class HeightRun {
  readonly context: HeightContext;
  readonly book: VoteBook;
  readonly candidates: Candidates;
  state: MachineState = initialState;
  startedMs: number | null = null;
  readonly #deps: RunDeps;
  readonly #effectDeps: EffectDeps;
  readonly #timers = new Set<TimerHandle>();
  readonly #farAhead = new Map<number, ConsensusMessage>();
  readonly #queue: Input[] = [];
  #busy = false;
  #open = true;

  constructor(deps: RunDeps) {
    const { options, context, signer, serial } = deps;
    this.#deps = deps;
    this.context = context;
    this.book = createVoteBook(context.machine.powers, deps.onEvidence);
    const isOpen = () => this.#open;
    const onBlock = (id: BlockId, block: Block, valid: boolean) =>
      this.take({ kind: 'block', id, block, valid });
    this.candidates = createCandidates({ options, context, serial, isOpen, onBlock });
    this.#effectDeps = {
      options,
      context,
      signer,
      serial,
      isOpen,
      candidates: this.candidates,
      timers: this.#timers,
      syncLog: () => deps.wal?.sync(),
      take: (input) => this.take(input),
      decide: (round, id) => this.#decide(round, id),
    };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Goes through the log of an earlier life, then does what that life had not come to do. */
  replay(): void {
    const { wal, signer } = this.#deps;
    const inputs = wal?.replay ?? [];
    const { height } = this.context;
    const due: Effect[] = [];
    for (const input of inputs) due.push(...this.#advance(input));
    if (signer !== null) this.state = restoreLock(this.state, signer.lockAt(height));
    if (inputs.length === 0) return;
    this.#deps.options.log.info('resumed a height', {
      height,
      inputs: inputs.length,
      round: this.state.round,
    });
    if (this.state.step !== 'new') this.startedMs = this.#deps.options.clock.now();
    this.#fetchOfRound();
    const todo = stillToDo(due, inputs, this.context.machine);
    this.#guarded(() => {
      for (const effect of todo) if (this.#open) perform(this.#effectDeps, effect, this.state);
    });
  }

  start(): void {
    if (!this.#open || this.state.step !== 'new') return;
    this.startedMs = this.#deps.options.clock.now();
    this.take({ kind: 'start' });
  }

  /**
   * A message whose signature holds; `from` is the peer to ask for a proposed block. Only `new` ones enter the log:
   * an equivocator can sign without end.
   */
  takeMessage(message: ConsensusMessage, from: string | undefined): Added | 'far' {
    if (!this.#open) return 'new';
    if (message.round > this.state.round + MAX_ROUNDS_AHEAD) {
      this.#keepFarAhead(message);
      return 'far';
    }
    const place = this.book.place(message);
    if (place === 'new') {
      this.take({ kind: 'message', message });
      if (message.kind === 'proposal') this.fetchProposed(message, from);
    }
    return place;
  }

  /** Blocks of later rounds wait for their round: a proposer of many must not occupy what others need now. */
  fetchProposed(message: SignedProposal, from: string | undefined): void {
    if (message.round > this.state.round + 1) return;
    this.candidates.fetch(toHex(proposalBlockHash(message)), from, false);
  }

  take(input: Input): void {
    if (!this.#open) return;
    this.#queue.push(input);
    if (!this.#busy) this.#guarded(() => this.#drain());
  }

  /** Inputs that effects bring forth wait in the queue, so that each is handled in a settled state. */
  #drain(): void {
    for (let input = this.#queue.shift(); input !== undefined && this.#open; input = this.#queue.shift()) {
      this.#deps.wal?.append(input);
      const { round } = this.state;
      for (const effect of this.#advance(input))
        if (this.#open) perform(this.#effectDeps, effect, this.state);
      if (this.state.round !== round) this.#fetchOfRound();
      const idle = this.#queue.length === 0 ? idleTimeout(this.context.machine, this.state) : undefined;
      if (idle !== undefined) this.#queue.push({ kind: 'timeout', step: idle, round: this.state.round });
    }
  }

  #fetchOfRound(): void {
    for (const proposal of this.book.proposals(this.state.round)) this.fetchProposed(proposal, undefined);
  }

  #guarded(work: () => void): void {
    this.#busy = true;
    try {
      work();
      this.#drain();
    } catch (cause) {
      this.close();
      this.#deps.onFault(cause);
    } finally {
      this.#busy = false;
    }
  }

  #advance(input: Input): Effect[] {
    const event = this.#eventOf(input);
    if (event === undefined) return [];
    const { state, effects } = step(this.context.machine, this.state, event);
    this.state = state;
    return effects;
  }

  #eventOf(input: Input): MachineEvent | undefined {
    switch (input.kind) {
      case 'start':
        return { type: 'start' };
      case 'value':
        return { type: 'value', round: input.round, id: input.id };
      case 'timeout':
        return { type: 'timeout', step: input.step, round: input.round };
      case 'block':
        this.candidates.put(input.id, input.block);
        return { type: 'block', id: input.id, valid: input.valid };
      case 'message':
        return this.#messageEvent(input.message);
    }
  }

  #messageEvent(message: ConsensusMessage): MachineEvent | undefined {
    const proposer = message.kind === 'proposal' ? this.context.machine.proposer(message.round) : undefined;
    if (this.book.add(message, proposer) !== 'new') return undefined;
    const { round } = message;
    if (message.kind === 'proposal')
      return {
        type: 'proposal',
        round,
        validRound: message.validRound,
        id: toHex(proposalBlockHash(message)),
      };
    const id = message.blockHash === null ? null : toHex(message.blockHash);
    return { type: 'vote', vote: message.type, round, validator: message.validator, id };
  }

  /** Others may be far ahead after a long stall; f+1 of them are believed, as in the paper's line 55. */
  #keepFarAhead(message: ConsensusMessage): void {
    const sender = message.kind === 'vote' ? message.validator : this.context.machine.proposer(message.round);
    this.#farAhead.set(sender, message);
    const { set } = this.context;
    const ahead = [...this.#farAhead.keys()].map((index) => set[index]!);
    if (!hasCorrectOne(totalPower(ahead), totalPower(set))) return;
    const messages = [...this.#farAhead.values()];
    this.#farAhead.clear();
    for (const each of messages) this.take({ kind: 'message', message: each });
  }

  #decide(round: number, id: BlockId): void {
    const { options, onDecided } = this.#deps;
    const block = this.candidates.get(id)!;
    const commit = makeCommit(options.scheme, this.context, this.book, { round, id });
    this.close();
    onDecided(block, commit);
  }

  /** Sends again what others may have missed: this round's proposal, own votes, and the proof of the valid value. */
  rebroadcast(): void {
    const { network, clock } = this.#deps.options;
    const { self } = this.context.machine;
    if (self === null || this.state.step === 'new') return;
    const { round, validRound, validValue } = this.state;
    const own = [round, round - 1].flatMap((each) => this.book.votesOf(self, each));
    const proof = validValue === null ? [] : this.book.votesFor('prevote', validRound, fromHex(validValue));
    const messages = new Set<ConsensusMessage>([...this.book.proposals(round), ...proof, ...own]);
    for (const message of messages) network.broadcast({ ...message, attempt: clock.now() });
  }

  close(): void {
    this.#open = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
