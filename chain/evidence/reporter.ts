/**
 * Brings evidence of equivocation to Staking: one transaction at a time from the validator's own account, after a look
 * whether somebody was faster. Without that account's key it only follows what becomes of each case.
 */
import { createFeeMarket1559Tx } from '@ethereumjs/tx';
import { addressOf, FedaiError, fromHex, type Hex, type Log, type Service } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import type { Consensus, Evidence } from '../consensus/index.ts';
import { type Case, createDocket, MAX_OPEN } from './docket.ts';
import { type Offence, punishedCall, readPunished, readSlashed, refusalOf, reportCall } from './report.ts';

export interface EvidenceReporterInput {
  readonly application: ChainApplication;
  readonly consensus: Pick<Consensus, 'evidence' | 'onEvidence'>;
  /** secp256k1, 32 bytes; null for a node that does not report. */
  readonly evmPrivateKey: Uint8Array | null;
  readonly log: Log;
}

/** One case, as `fedai_getEvidence` tells it. */
export interface EvidenceStatus {
  readonly validator: number;
  readonly account: Hex;
  readonly kind: string;
  readonly height: number;
  readonly round: number;
  readonly status: string;
  readonly transaction: Hex | null;
  readonly reason: string | null;
}

export interface EvidenceReporter extends Service {
  list(): Promise<EvidenceStatus[]>;
}

/** The validators report one after the other, so that the first one's transaction spares the rest theirs. */
const STAGGER_BLOCKS = 4;
const FIRST_RETRY_BLOCKS = 4;
const MAX_RETRY_BLOCKS = 256;
/** A few small calls a block. */
const CASES_A_BLOCK = 4;
/** Ten times what a report takes. */
const CALL_GAS = 5_000_000n;
const TRANSACTION_GAS = 21_000n;
const CALLDATA_BYTE_GAS = 40n;
const TIP_WEI = 1_000_000_000n;

const NOBODY: Hex = `0x${'00'.repeat(20)}`;

interface Sent {
  readonly one: Case;
  readonly hash: Hex;
  readonly nonce: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export function createEvidenceReporter(input: EvidenceReporterInput): EvidenceReporter {
  return new Reporter(input);
}

class Reporter implements EvidenceReporter {
  readonly #input: EvidenceReporterInput;
  readonly #docket = createDocket();
  /** The reporter's account, lower-case; null when it only follows. */
  readonly #self: Hex | null;
  #sent: Sent | undefined;
  #running = false;
  #underway: Promise<void> | undefined;
  #unlisten: (() => void) | undefined;

  constructor(input: EvidenceReporterInput) {
    const { evmPrivateKey } = input;
    this.#input = input;
    this.#self = evmPrivateKey === null ? null : (addressOf(evmPrivateKey).toLowerCase() as Hex);
  }

  async start(): Promise<void> {
    const { application, consensus } = this.#input;
    this.#running = true;
    for (const evidence of consensus.evidence().slice(-MAX_OPEN)) await this.#take(evidence);
    consensus.onEvidence((evidence) => void this.#take(evidence));
    this.#unlisten = application.onCommit(() => this.#onBlock());
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#unlisten?.();
    await this.#underway;
  }

  list(): Promise<EvidenceStatus[]> {
    return Promise.all(
      this.#docket.all().map(async ({ offence, status, transaction, reason }) => {
        const { address } = await this.#accused(offence);
        return { ...offence, account: address, status, transaction, reason };
      }),
    );
  }

  async #accused({ height, validator }: Offence) {
    return (await this.#input.application.validatorsAt(height))[validator]!;
  }

  async #take(evidence: Evidence): Promise<void> {
    const { application } = this.#input;
    const set = await application.validatorsAt(evidence.first.height);
    if (set[evidence.validator] === undefined) return;
    const own = set.findIndex(({ address }) => address.toLowerCase() === this.#self);
    // Whoever follows the accused comes first; one that is not of the set, last.
    const turn = own < 0 ? set.length : (own - evidence.validator - 1 + set.length) % set.length;
    this.#docket.open(evidence, application.head.height + 1 + turn * STAGGER_BLOCKS);
  }

  #onBlock(): void {
    this.#underway ??= this.#look()
      .catch((error: unknown) => this.#input.log.error('evidence could not be looked at', { error }))
      .finally(() => {
        this.#underway = undefined;
      });
  }

  async #look(): Promise<void> {
    const { application, log } = this.#input;
    for (const one of this.#docket.due(application.head.height).slice(0, CASES_A_BLOCK)) {
      if (!this.#running) return;
      const { address, blsPublicKey } = await this.#accused(one.offence);
      const { output } = await this.#ask(punishedCall(address, one.offence));
      const punished = readPunished(output);
      if (punished === undefined) {
        this.#docket.close(one, 'refused', 'the chain has no staking contract that takes evidence');
        continue;
      }
      if (punished) {
        this.#docket.close(one, 'punished');
        log.info('a validator was punished for contradicting itself', { ...one.offence });
        continue;
      }
      const mayReport = this.#self !== null && address.toLowerCase() !== this.#self;
      if (mayReport && this.#isBusyWithAnother(one)) continue;
      if (mayReport) await this.#report(one, blsPublicKey);
      const waitBlocks = Math.min(FIRST_RETRY_BLOCKS * 2 ** one.attempts++, MAX_RETRY_BLOCKS);
      one.dueAt = application.head.height + waitBlocks;
    }
  }

  #ask(data: Uint8Array) {
    const { application } = this.#input;
    return application.execution.call(application.headHeader, {
      from: this.#self ?? NOBODY,
      to: application.spec.contracts.staking,
      data,
      value: 0n,
      gasLimit: CALL_GAS,
      gasPrice: 0n,
    });
  }

  #isBusyWithAnother(one: Case): boolean {
    const sent = this.#sent;
    return (
      sent !== undefined && sent.one !== one && this.#input.application.pool.get(sent.hash) !== undefined
    );
  }

  async #report(one: Case, publicKey: Uint8Array): Promise<void> {
    const { application, log } = this.#input;
    const data = reportCall(one.evidence, publicKey);
    const { failure, output, gasUsed } = await this.#ask(data);
    if (failure !== undefined) return this.#refused(one, refusalOf(output));
    const slashed = readSlashed(output);
    const gasLimit = (gasUsed * 5n) / 4n + TRANSACTION_GAS + CALLDATA_BYTE_GAS * BigInt(data.length);
    const fees = this.#nextFees(one);
    const cost = gasLimit * fees.maxFeePerGas;
    if (slashed < cost) return this.#docket.close(one, 'worthless', `it would slash ${slashed} wei`);
    const { balance } = application.stateAt(application.headHeader.stateRoot).account(fromHex(this.#self!));
    if (balance >= cost) return await this.#send(one, { ...fees, data, gasLimit });
    if (one.reason === null) {
      const data = { account: this.#self, balance, cost };
      log.warn('no coins to report a validator that contradicts itself', data);
    }
    one.reason = `the reporting account has ${balance} wei of ${cost}`;
  }

  #refused(one: Case, error: string): void {
    if (error === 'StakingEvidenceUsed') this.#docket.close(one, 'punished');
    else if (error === 'StakingEvidenceOutsideWindow') {
      // Of a height that is still to come it is early, not late.
      if (one.offence.height < this.#input.application.head.height) this.#docket.close(one, 'expired');
    } else {
      this.#input.log.warn('Staking does not take evidence of a contradiction', { ...one.offence, error });
      this.#docket.close(one, 'refused', error);
    }
  }

  /** A transaction that blocks pass by is sent again with a quarter more (the pool asks for a tenth). */
  #nextFees(one: Case): Pick<Sent, 'nonce' | 'maxFeePerGas' | 'maxPriorityFeePerGas'> {
    const { headHeader, pool } = this.#input.application;
    const maxFeePerGas = 2n * headHeader.calcNextBaseFee() + TIP_WEI;
    const sent = this.#sent;
    if (sent?.one !== one || pool.get(sent.hash) === undefined) {
      return { nonce: pool.nextNonce(this.#self!), maxFeePerGas, maxPriorityFeePerGas: TIP_WEI };
    }
    const raised = (sent.maxFeePerGas * 5n) / 4n;
    return {
      nonce: sent.nonce,
      maxFeePerGas: raised > maxFeePerGas ? raised : maxFeePerGas,
      maxPriorityFeePerGas: (sent.maxPriorityFeePerGas * 5n) / 4n,
    };
  }

  async #send(one: Case, fields: Omit<Sent, 'one' | 'hash'> & { data: Uint8Array; gasLimit: bigint }) {
    const { application, evmPrivateKey, log } = this.#input;
    const { chainId, contracts } = application.spec;
    const tx = createFeeMarket1559Tx(
      { ...fields, chainId: BigInt(chainId), to: contracts.staking },
      { common: application.common },
    ).sign(evmPrivateKey!);
    try {
      const { hash } = await application.pool.add(tx.serialize());
      const { nonce, maxFeePerGas, maxPriorityFeePerGas } = fields;
      this.#sent = { one, hash, nonce, maxFeePerGas, maxPriorityFeePerGas };
      Object.assign(one, { status: 'sent', transaction: hash, reason: null });
      log.info('reporting a validator that contradicts itself', { ...one.offence, transaction: hash });
    } catch (error) {
      if (!(error instanceof FedaiError)) throw error;
      one.reason = error.message;
      log.warn('the report of a contradiction waits', { ...one.offence, error });
    }
  }
}
