/**
 * Consensus as a service: one height after another, messages of peers in, decided blocks to the application. Owns the
 * passage between heights, the pace and the rebroadcast; one height is run.ts, its rules machine.ts. Does not sync.
 */
import { equalBytes, FedaiError, ignore, type TimerHandle, toHex, type Verdict } from '../../core/index.ts';
import { type BlockCommit, isQuorum, totalPower } from '../../light/index.ts';
import type { Block } from '../types.ts';
import { createBatchVerifier } from './batch.ts';
import { checkBlockRules, checkDecided } from './block-rules.ts';
import { Caution } from './caution.ts';
import { checkCommit } from './commits.ts';
import { createEvidenceBook, type EvidenceBook } from './evidence.ts';
import { createFutureMessages } from './future.ts';
import { type HeightContext, openHeight } from './height.ts';
import { createIntake, type Intake } from './intake.ts';
import type { ConsensusMessage } from './messages.ts';
import { HeightRun } from './run.ts';
import { createSerial } from './serial.ts';
import { createSigner, type Signer } from './signer.ts';
import { isSignedVote, testify } from './testimony.ts';
import type { Consensus, ConsensusOptions, ConsensusStatus, Decided, Evidence, Held } from './types.ts';
import { openHeightLog } from './wal.ts';

/** What was lost is sent again this often while a height stalls. */
const REBROADCAST_MS = 1000;
/** A node that decides a little later than its peers is not behind. */
const BEHIND_GRACE_MS = 500;
/** Blocks taken from peers come in rows; consensus opens a height when the row pauses. */
const CATCH_UP_PAUSE_MS = 20;

/** Also when the clock was set back meanwhile. */
const isPast = (elapsedMs: number, dueMs: number): boolean => elapsedMs < 0 || elapsedMs >= dueMs;

/** Throws `SIGN_STATE_CORRUPT`, `SIGN_STATE_FOREIGN` or `SIGN_STATE_MISSING` when this key must not sign here. */
export function createConsensus(options: ConsensusOptions): Consensus {
  return new Driver(options);
}

class Driver implements Consensus {
  readonly #options: ConsensusOptions;
  readonly #signer: Signer | null;
  readonly #intake: Intake;
  readonly #evidence: EvidenceBook;
  readonly #serial = createSerial();
  readonly #future = createFutureMessages();
  readonly #evidenceHandlers: ((evidence: Evidence) => void)[] = [];
  readonly #decidedHandlers: ((decided: Decided) => void)[] = [];
  readonly #behindHandlers: ((height: number, from: string) => void)[] = [];
  #caution: Caution | undefined;
  #run: HeightRun | undefined;
  /** Own log of the height in progress while nothing may be signed: others may ask for what is in it. */
  #logged: ConsensusMessage[] = [];
  #running = false;
  #startTimer: TimerHandle | undefined;
  #openTimer: TimerHandle | undefined;
  #behindTimer: TimerHandle | undefined;
  #rebroadcastTimer: TimerHandle | undefined;
  /** When the height after the present one may start. */
  #nextStartMs = 0;

  constructor(options: ConsensusOptions) {
    const { chainId, secretKey, scheme, storage, clock, network } = options;
    this.#options = options;
    const isCautious = secretKey !== null && options.witnesses !== undefined;
    this.#signer =
      secretKey === null ? null : createSigner({ chainId, secretKey, scheme, file: storage.signState });
    if (isCautious) this.#signer?.begin(storage.wal.records().length > 0);
    this.#evidence = createEvidenceBook(storage.evidence, options.log);
    this.#intake = createIntake({ chainId, clock, batch: createBatchVerifier(scheme, clock) });
    network.onMessage((message, from) => this.#onMessage(message, from));
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#rebroadcastLater();
    await this.#serial(async () => {
      await this.#beCautious();
      await this.#openNext();
    });
  }

  /** A validator that decides alone has nobody to ask. */
  async #beCautious(): Promise<void> {
    const { witnesses } = this.#options;
    const signer = this.#signer;
    if (witnesses === undefined || signer === null) return;
    const { set, machine, parent } = await openHeight(this.#options, signer.publicKey);
    const { self } = machine;
    if (self === null || isQuorum(set[self]!.power, totalPower(set))) return;
    this.#caution = new Caution({
      ...{ options: this.#options, witnesses, signer, set, self, ownHead: parent.height },
      onSettled: () => {
        this.#serial(() => this.#reopen()).catch((cause) => this.#fault(cause));
      },
      onFault: (cause) => this.#fault(cause),
    });
    this.#caution.start();
  }

  /** Null while this node may only watch. */
  #keyAt(height: number): Uint8Array | null {
    if (this.#signer === null || (this.#caution !== undefined && height < this.#caution.signsFrom))
      return null;
    return this.#signer.publicKey;
  }

  /** From watching a height to voting in it; what was heard of it stays heard. */
  async #reopen(): Promise<void> {
    const run = this.#run;
    if (!run?.isOpen || run.context.machine.self !== null || this.#keyAt(run.context.height) === null) return;
    run.close();
    await this.#openNext();
    const next = this.#run;
    if (next === run) return;
    for (const message of run.book.all()) next?.takeMessage(message, undefined);
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of [this.#startTimer, this.#openTimer, this.#behindTimer, this.#rebroadcastTimer])
      timer?.cancel();
    this.#caution?.stop();
    this.#run?.close();
    await this.#serial(async () => undefined);
  }

  status(): ConsensusStatus | undefined {
    if (this.#run === undefined) return undefined;
    const { context, state } = this.#run;
    const validator = context.machine.self !== null;
    return { height: context.height, round: state.round, step: state.step, validator };
  }

  held(): Held {
    const run = this.#run;
    return {
      messages: run?.book.size ?? 0,
      blocks: run?.candidates.size ?? 0,
      waiting: this.#future.size,
    };
  }

  async provesHead(height: number, hash: Uint8Array, commit: BlockCommit): Promise<boolean> {
    const { application, chainId, scheme } = this.#options;
    const set = await application.validatorsAt(height);
    return checkCommit(scheme, { chainId, set, commit, height, blockHash: hash }).ok;
  }

  /** Also before this validator may sign anything else: of many that start together each waits for the others. */
  answer(question: Uint8Array): Promise<Uint8Array> {
    const run = this.#run;
    return testify(question, {
      options: this.#options,
      signer: this.#signer,
      future: this.#future,
      held: [...this.#logged, ...(run?.book.all() ?? [])],
      proposer: run?.context.machine.proposer,
    });
  }

  proposedBlock(hash: Uint8Array): Block | undefined {
    return this.#run?.candidates.get(toHex(hash));
  }

  evidence(): Evidence[] {
    return this.#evidence.all();
  }

  onEvidence(handler: (evidence: Evidence) => void): void {
    this.#evidenceHandlers.push(handler);
  }

  onDecided(handler: (decided: Decided) => void): void {
    this.#decidedHandlers.push(handler);
  }

  onBehind(handler: (height: number, from: string) => void): void {
    this.#behindHandlers.push(handler);
  }

  applyDecided(block: Block, commit: BlockCommit): Promise<boolean> {
    return this.#serial(async () => {
      const { application, chainId, scheme } = this.#options;
      if (!this.#running || block.header.number !== BigInt(application.head.height + 1)) return false;
      const context = await this.#contextOfNext();
      const around = { chainId, context, scheme };
      for (const checked of [checkDecided(block, commit, around), checkBlockRules(block, around)]) {
        if (!checked.ok) throw new FedaiError('BAD_BLOCK_COMMIT', checked.reason, { height: context.height });
      }
      await application.commitBlock(block, commit);
      this.#run?.close();
      this.#announce({ block, commit, height: context.height, finalityMs: null });
      this.#openTimer?.cancel();
      this.#openTimer = this.#options.clock.setTimer(CATCH_UP_PAUSE_MS, () => this.#openSoon());
      return true;
    });
  }

  #contextOfNext(): HeightContext | Promise<HeightContext> {
    const run = this.#run;
    return run !== undefined && run.context.height === this.#options.application.head.height + 1
      ? run.context
      : openHeight(this.#options, this.#keyAt(this.#options.application.head.height + 1));
  }

  #onDecided(run: HeightRun, block: Block, commit: BlockCommit): void {
    const { application, clock, timing } = this.#options;
    const { height } = run.context;
    const startedMs = run.startedMs ?? clock.now();
    this.#serial(async () => {
      if (!this.#running || application.head.height + 1 !== height) return;
      await application.commitBlock(block, commit);
      this.#nextStartMs = startedMs + timing.blockTimeMs;
      this.#announce({ block, commit, height, finalityMs: clock.now() - startedMs });
      await this.#openNext();
    }).catch((cause) => this.#fault(cause));
  }

  #announce(decided: Decided): void {
    for (const handler of this.#decidedHandlers) {
      try {
        handler(decided);
      } catch (cause) {
        this.#options.log.error('a listener to decided blocks failed', { height: decided.height, cause });
      }
    }
  }

  #openSoon(): void {
    this.#serial(() => this.#openNext()).catch((cause) => this.#fault(cause));
  }

  /** Runs inside the serial queue: the head stands still. */
  async #openNext(): Promise<void> {
    const { application, chainId, codec, storage, log } = this.#options;
    const height = application.head.height + 1;
    if (!this.#running || (this.#run?.isOpen && this.#run.context.height === height)) return;
    const context = await openHeight(this.#options, this.#keyAt(height));
    if (!this.#running) return;
    const signer = context.machine.self === null ? null : this.#signer;
    const openLog = () => openHeightLog(storage.wal, codec, { chainId, height }, log);
    this.#logged =
      signer === null && this.#caution !== undefined
        ? openLog().replay.flatMap((input) => (input.kind === 'message' ? [input.message] : []))
        : [];
    const run: HeightRun = new HeightRun({
      options: this.#options,
      context,
      signer,
      wal: signer === null ? null : openLog(),
      serial: this.#serial,
      onDecided: (block, commit) => this.#onDecided(run, block, commit),
      onEvidence: (evidence) => {
        if (!this.#evidence.record(evidence)) return;
        for (const handler of this.#evidenceHandlers) handler(evidence);
      },
      onFault: (cause) => this.#fault(cause),
    });
    this.#run = run;
    run.replay();
    this.#startAt(run);
    for (const { message, from } of this.#future.take(height)) void this.#onMessage(message, from);
  }

  #startAt(run: HeightRun): void {
    const { clock, timing } = this.#options;
    this.#startTimer?.cancel();
    // A clock that was set back must not stop the chain for as long.
    const waitMs = Math.min(this.#nextStartMs - clock.now(), timing.blockTimeMs);
    if (waitMs <= 0) run.start();
    else this.#startTimer = clock.setTimer(waitMs, () => run.start());
  }

  async #onMessage(message: ConsensusMessage, from: string): Promise<Verdict> {
    if (!this.#running) return ignore('not running');
    const run = this.#run;
    const height = run?.isOpen ? run.context.height : this.#options.application.head.height + 1;
    if (message.height < height) return ignore('of a height that is decided');
    if (run?.isOpen && message.height === height) {
      const verdict = await this.#intake.judge(run, message, from);
      if (verdict.verdict === 'accept' && this.#isOwn(run.context, message)) this.#caution?.heard(message);
      return verdict;
    }
    if (message.height > height) this.#mayBeBehind(message.height, from);
    await this.#heedAhead(message);
    if (message.height > height + 1) return ignore('of a height far ahead');
    return ignore(this.#future.add(message, from) ? 'of the next height' : 'no room for the next height');
  }

  /** An own vote of a height where we are not: an old copy would sign it again. */
  async #heedAhead(message: ConsensusMessage): Promise<void> {
    const { application } = this.#options;
    if (this.#caution === undefined || this.#signer === null || message.kind !== 'vote') return;
    const set = await application.validatorsAt(application.head.height + 1);
    const key = set[message.validator]?.blsPublicKey;
    const isOwn = key !== undefined && equalBytes(key, this.#signer.publicKey);
    if (isOwn && isSignedVote(this.#options, set, message)) this.#caution.heard(message);
  }

  #isOwn({ set, machine }: HeightContext, message: ConsensusMessage): boolean {
    const index = message.kind === 'vote' ? message.validator : machine.proposer(message.round);
    const key = set[index]?.blsPublicKey;
    return key !== undefined && this.#signer !== null && equalBytes(key, this.#signer.publicKey);
  }

  #mayBeBehind(height: number, from: string): void {
    if (this.#behindTimer !== undefined) return;
    this.#behindTimer = this.#options.clock.setTimer(BEHIND_GRACE_MS, () => {
      this.#behindTimer = undefined;
      if (!this.#running || height <= this.#options.application.head.height + 1) return;
      for (const handler of this.#behindHandlers) handler(height, from);
    });
  }

  #rebroadcastLater(): void {
    const { clock } = this.#options;
    this.#rebroadcastTimer = clock.setTimer(REBROADCAST_MS, () => {
      const run = this.#run;
      if (run?.isOpen && run.startedMs !== null && isPast(clock.now() - run.startedMs, REBROADCAST_MS))
        run.rebroadcast();
      if (this.#running) this.#rebroadcastLater();
    });
  }

  #fault(cause: unknown): void {
    if (!this.#running) return;
    this.#options.log.error('consensus stops: going on would be unsafe', { cause });
    void this.stop();
    this.#options.onFault?.(cause);
  }
}
