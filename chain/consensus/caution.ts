/**
 * Keeps a validator that starts from signing until others have told what they know of it, and notices when another
 * machine signs with its key. Rules: watermark.ts; what was signed: signer.ts.
 */
import {
  accept,
  FedaiError,
  ignore,
  reject,
  type TimerHandle,
  toHex,
  type Verdict,
} from '../../core/index.ts';
import { isQuorum, totalPower, type ValidatorSet } from '../../light/index.ts';
import { type Answer, answerSignBytes, decodeAnswer, encodeQuestion } from './answers.ts';
import { checkCommit } from './commits.ts';
import { type ConsensusMessage, messageSignBytes } from './messages.ts';
import type { Signer, SignRequest } from './signer.ts';
import type { ConsensusOptions, Witnesses } from './types.ts';
import { type Standing, standingOf } from './watermark.ts';

export interface CautionDeps {
  readonly options: Pick<ConsensusOptions, 'chainId' | 'clock' | 'log' | 'scheme'>;
  readonly witnesses: Witnesses;
  readonly signer: Signer;
  readonly set: ValidatorSet;
  readonly self: number;
  readonly ownHead: number;
  /** `signsFrom` went down. */
  readonly onSettled: () => void;
  readonly onFault: (cause: unknown) => void;
}

/** Answers that come in after enough are there still count for so long: each may hold a message of ours. */
const GRACE_MS = 1_000;
/** After so long in silence an original that still runs is out of the question, and the network may need this vote. */
const QUIET_MS = 30_000;
/**
 * So many questions in a row, answered by a quorum that neither got further nor holds anything new of ours, say that the
 * network stands still, perhaps for want of this vote. A live original would have sent its messages again each second.
 */
const CALM_QUESTIONS = 3;
const TICK_MS = 200;
const ASK_AGAIN_MS = 1_000;

/** What the signer knows a message as. */
export function signedOf(
  chainId: bigint,
  message: ConsensusMessage,
): SignRequest & { signature: Uint8Array } {
  const { height, round, signature } = message;
  const signBytes = messageSignBytes(chainId, message);
  if (message.kind === 'proposal')
    return { height, round, step: 'propose', signBytes, signature, lock: { round: -1, id: null } };
  const { type, blockHash } = message;
  const locks = type === 'precommit' && blockHash !== null;
  const lock = locks ? { round, id: toHex(blockHash) } : { round: -1, id: null };
  return { height, round, step: type, signBytes, signature, lock };
}

export class Caution {
  readonly #deps: CautionDeps;
  readonly #heads = new Map<number, number>();
  readonly #signedHeight: number;
  /** Counted in ticks: a wall clock that jumps back would silence this validator, one that jumps ahead end its patience. */
  #elapsedMs = 0;
  #enoughMs: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  /** Heads told in answer to the last question alone. */
  #fresh = new Map<number, number>();
  #calm = 0;
  /** Greatest head told up to the question before. */
  #headBefore = 0;
  #quietSinceMs = 0;
  #timer: TimerHandle | undefined;
  #stopped = false;
  #settled = false;
  #from = Number.POSITIVE_INFINITY;

  constructor(deps: CautionDeps) {
    this.#deps = deps;
    this.#signedHeight = deps.signer.signedHeight;
  }

  /** The least height at which this validator may sign; Infinity while nobody knows. */
  get signsFrom(): number {
    return this.#from;
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** A verified message that carries our signature. What is later than the sign-state this machine did not sign. */
  heard(message: ConsensusMessage): void {
    const { options, signer } = this.#deps;
    const signed = signedOf(options.chainId, message);
    const relation = signer.relationTo(signed);
    if (this.#stopped || relation === 'known' || relation === 'older') return;
    const { height, round, step } = signed;
    // One that died before we started cannot have come so far; nor did we sign it since.
    const isAlive = this.#settled && height >= this.#from - 1;
    if (relation === 'other' || isAlive) {
      this.#twoMachines({ height, round, step });
      return;
    }
    signer.adopt(signed);
    this.#quietSinceMs = this.#elapsedMs;
    this.#calm = 0;
    options.log.warn('own message later than the sign-state: this is an old copy of the data directory', {
      height,
      round,
      step,
    });
  }

  #twoMachines(seen: Record<string, unknown>): void {
    this.stop();
    this.#deps.onFault(
      new FedaiError('DOUBLE_KEY', 'another machine signs with the key of this validator', seen, {
        remedy:
          'find the other machine and stop one of the two for good; when there is none, this is an old copy of the data directory: start again',
      }),
    );
  }

  #standing(now: number): Standing {
    const { self, set, ownHead } = this.#deps;
    return standingOf({
      ...{ set, self, signedHeight: this.#signedHeight },
      heads: new Map(this.#heads).set(self, ownHead),
      isPatienceOver: now >= QUIET_MS,
    });
  }

  #tick(): void {
    if (this.#stopped) return;
    const now = this.#elapsedMs;
    if (this.#settled) this.#whileMute(now);
    else this.#whileUnknown(now);
    if (this.#from > 0 && !this.#stopped)
      this.#timer = this.#deps.options.clock.setTimer(TICK_MS, () => {
        this.#elapsedMs += TICK_MS;
        this.#tick();
      });
  }

  #whileUnknown(now: number): void {
    const standing = this.#standing(now);
    if (standing.kind === 'asking') {
      if (!this.#asking && now - this.#askedMs >= ASK_AGAIN_MS) void this.#ask(now);
      return;
    }
    this.#enoughMs ??= now;
    const haveAll = this.#heads.size + 1 === this.#deps.set.length;
    if (!haveAll && now - this.#enoughMs < GRACE_MS) return;
    this.#settled = true;
    this.#quietSinceMs = now;
    this.#headBefore = Math.max(0, ...this.#heads.values());
    const { log } = this.#deps.options;
    if (standing.kind === 'open') {
      this.#from = 0;
      log.info('what others hold agrees with the sign-state: this validator signs');
    } else {
      this.#from = standing.throughHeight + 1;
      log.warn('blocks were decided beyond the sign-state: signing waits in case this is an old copy', {
        signed: this.#signedHeight,
        signsFrom: this.#from,
      });
    }
    this.#deps.onSettled();
  }

  #whileMute(now: number): void {
    if (now - this.#quietSinceMs >= QUIET_MS || this.#calm >= CALM_QUESTIONS) {
      this.#from = 0;
      this.#deps.onSettled();
    } else if (!this.#asking && now - this.#askedMs >= ASK_AGAIN_MS) void this.#askWhileMute(now);
  }

  async #askWhileMute(now: number): Promise<void> {
    this.#fresh = new Map();
    const calmBefore = this.#calm;
    await this.#ask(now);
    const { set, self } = this.#deps;
    const power = totalPower([...this.#fresh.keys(), self].map((index) => set[index]!));
    const head = Math.max(this.#headBefore, ...this.#fresh.values());
    const isCalm = isQuorum(power, totalPower(set)) && head === this.#headBefore;
    this.#headBefore = head;
    // An own message among the answers has set the count back meanwhile.
    this.#calm = isCalm && this.#calm === calmBefore ? calmBefore + 1 : 0;
  }

  async #ask(now: number): Promise<void> {
    const { witnesses, signer, options } = this.#deps;
    this.#asking = true;
    this.#askedMs = now;
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    try {
      const question = encodeQuestion({ nonce, publicKey: signer.publicKey });
      await witnesses.ask(question, (bytes) => this.#take(bytes, nonce));
    } catch (cause) {
      options.log.debug('validators could not be asked', { cause });
    } finally {
      this.#asking = false;
    }
  }

  #take(bytes: Uint8Array, nonce: Uint8Array): Verdict {
    if (this.#stopped) return ignore('stopped');
    const { options, self } = this.#deps;
    let decoded: ReturnType<typeof decodeAnswer>;
    try {
      decoded = decodeAnswer(bytes);
    } catch (cause) {
      if (cause instanceof FedaiError && cause.code === 'BAD_RLP') return reject('not an answer');
      throw cause;
    }
    // An honest validator of a later set fails here too: nobody is blamed.
    if (!this.#isProven(decoded, nonce)) {
      options.log.debug('answer of a validator is not valid');
      return ignore('not proven');
    }
    const { answer } = decoded;
    // Only a process that runs now can sign a fresh nonce.
    if (answer.validator === self) this.#twoMachines({ answered: true });
    else this.#hear(answer);
    return accept;
  }

  #hear(answer: Answer): void {
    const { options, set, self } = this.#deps;
    this.#fresh.set(answer.validator, answer.height);
    this.#heads.set(answer.validator, Math.max(answer.height, this.#heads.get(answer.validator) ?? 0));
    const own = answer.messages.filter((message) => {
      const check = {
        message: messageSignBytes(options.chainId, message),
        publicKey: set[self]!.blsPublicKey,
        signature: message.signature,
      };
      return options.scheme.verify(check);
    });
    for (const message of own.sort(byStep)) this.heard(message);
  }

  #isProven({ answer, body, signature }: ReturnType<typeof decodeAnswer>, nonce: Uint8Array): boolean {
    const { options, set } = this.#deps;
    const { chainId, scheme } = options;
    const publicKey = set[answer.validator]?.blsPublicKey;
    if (publicKey === undefined) return false;
    const message = answerSignBytes(chainId, nonce, body);
    if (!scheme.verify({ message, publicKey, signature })) return false;
    const { height, commit } = answer;
    if (commit === null) return height === 0;
    return checkCommit(scheme, { chainId, set, commit, height, blockHash: commit.blockHash }).ok;
  }
}

/** Oldest first, so that a lock is known before what follows it. */
export const byStep = (a: ConsensusMessage, b: ConsensusMessage): number =>
  a.height - b.height || a.round - b.round || stepNumber(a) - stepNumber(b);

const stepNumber = (message: ConsensusMessage): number =>
  message.kind === 'proposal' ? 0 : message.type === 'prevote' ? 1 : 2;
