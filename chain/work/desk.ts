/**
 * Useful work and the court in a chain node: has announced bundles replayed before they are voted for, and gives the
 * proposer what its block may carry. Owns no rule of draws and cases (contracts) and none of a proof (pouw).
 */
import { CID } from 'multiformats/cid';
import { equalBytes, type Log, parseCid, type Service } from '../../core/index.ts';
import type { Carried, VerdictSection, WorkSection } from '../../light/index.ts';
import { workTopic } from '../../pouw/index.ts';
import { createReplayer, type Replayer, type ReplayOutcome } from '../../pouw/replay/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { ChainApplication } from '../application.ts';
import type { WorkProofs } from '../consensus/index.ts';
import type { Block } from '../types.ts';
import type { CaseFile } from './cases.ts';
import { createHearing, type Hearing } from './hearing.ts';
import { keepBundles } from './keep.ts';
import { createMattersReader, type MattersReader } from './matters.ts';
import type { Opening } from './openings.ts';
import { createProofs, type Proof, type Proofs } from './proofs.ts';
import { placeOf } from './target.ts';

export interface WorkDesk extends Service, WorkProofs {
  /** Replays made since the start, and the mean of their milliseconds. */
  status(): { replays: number; refused: number; kernelFaults: number; replayMs: number };
}

export interface WorkDeskInput {
  readonly application: ChainApplication;
  readonly peer: Pick<Peer, 'content' | 'scores' | 'gossip'>;
  readonly log: Log;
}

export function createWorkDesk(input: WorkDeskInput): WorkDesk {
  return new Desk(input);
}

class Desk implements WorkDesk {
  readonly #input: WorkDeskInput;
  readonly #replayer: Replayer;
  readonly #proofs: Proofs;
  readonly #matters: MattersReader;
  readonly #hearing: Hearing;
  readonly #count = { replays: 0, refused: 0, kernelFaults: 0, ms: 0 };
  #keep: ReturnType<typeof keepBundles> | undefined;
  #unlisten: (() => void) | undefined;

  constructor(input: WorkDeskInput) {
    const { application, peer, log } = input;
    const { maxReplayGas, maxBundleBytes, formats } = application.spec.work!;
    this.#input = input;
    this.#replayer = createReplayer(log);
    this.#proofs = createProofs({
      ...{ peer, log, replayer: this.#replayer },
      limits: { maxReplayGas, maxBundleBytes, formats },
      onReplay: (outcome) => this.#replayed(outcome),
    });
    this.#matters = createMattersReader(application, log);
    const present = () => this.#matters.present();
    this.#hearing = createHearing({ application, proofs: this.#proofs, present });
  }

  async start(): Promise<void> {
    const { application, peer, log } = this.#input;
    this.#replayer.warm();
    peer.gossip.subscribe(workTopic(BigInt(application.spec.chainId)), (bytes, from) =>
      this.#hearing.hear(bytes, from),
    );
    this.#keep = keepBundles({ application, content: peer.content, log });
    this.#unlisten = application.onCommit(({ block }) => {
      this.#keep?.add(block);
      void this.#look();
    });
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#input.peer.gossip.unsubscribe(workTopic(BigInt(this.#input.application.spec.chainId)));
    this.#keep?.stop();
    this.#proofs.keepOnly([]);
    await this.#replayer.close();
  }

  status() {
    const { ms, ...counts } = this.#count;
    return { ...counts, replayMs: counts.replays === 0 ? 0 : ms / counts.replays };
  }

  /** Verdicts come first at even heights, openings at odd ones: neither keeps the other waiting for more than a block. */
  async choose(): Promise<Carried> {
    const { openings, cases } = await this.#matters.present();
    const opening = this.#firstProven(openings);
    const judged = this.#firstProven(cases);
    const isVerdictsTurn = (this.#input.application.head.height + 1) % 2 === 0;
    if (judged !== undefined && (isVerdictsTurn || opening === undefined))
      return { work: null, verdict: verdictOf(judged.of, judged.proof) };
    return { work: opening === undefined ? null : this.#workOf(opening.of, opening.proof), verdict: null };
  }

  async proven({ header, section: { work, verdict } }: Block): Promise<boolean> {
    if (work === null && verdict === null) return true;
    if (header.number !== BigInt(this.#input.application.head.height + 1)) return false;
    return work !== null ? await this.#isProof(work) : await this.#isVerdict(verdict!);
  }

  async #isProof(work: WorkSection): Promise<boolean> {
    const { openings } = await this.#matters.present();
    const opening = openings.find((one) => one.drawHeight === work.drawHeight && one.rank === work.rank);
    const proof = opening && (await this.#proofOf(opening, work.bundle));
    return proof?.outcome.ok === true && equalBytes(proof.outcome.modelHash, work.modelHash);
  }

  /** The verdict must be ours in all that it says; the bundle may be another one of the same segment. */
  async #isVerdict(verdict: VerdictSection): Promise<boolean> {
    const { cases } = await this.#matters.present();
    const file = cases.find(({ caseId }) => caseId === verdict.caseId);
    const proof = file && (await this.#proofOf(file, verdict.bundle));
    if (file === undefined || proof === undefined) return false;
    const ours = verdictOf(file, proof);
    return (
      verdict.guilty === ours.guilty &&
      verdict.jobId === ours.jobId &&
      verdict.segment === ours.segment &&
      equalBytes(verdict.worker, ours.worker) &&
      equalBytes(verdict.traceRoot, ours.traceRoot) &&
      equalBytes(verdict.digest, ours.digest)
    );
  }

  async #proofOf(target: Opening | CaseFile, cid: Uint8Array): Promise<Proof | undefined> {
    const bundle = textOf(cid);
    return bundle === undefined ? undefined : await this.#proofs.prove(target, bundle);
  }

  #firstProven<Of extends Opening | CaseFile>(targets: readonly Of[]): { of: Of; proof: Proof } | undefined {
    for (const of of targets) {
      const proof = this.#proofs.held(of);
      if (proof !== undefined) return { of, proof };
    }
    return undefined;
  }

  #workOf(opening: Opening, { bundle, outcome }: Proof): WorkSection | null {
    if (!outcome.ok) return null;
    const { drawHeight, rank, worker, totalWeight, claim } = opening;
    const { jobId, traceRoot, segment } = claim;
    const { modelHash } = outcome;
    return {
      ...{ drawHeight, rank, jobId, worker, traceRoot, segment, modelHash, totalWeight },
      opener: worker,
      bundle: parseCid(bundle).bytes,
    };
  }

  /** After each block: what may be opened and judged now. */
  async #look(): Promise<void> {
    const matters = await this.#matters.present();
    const targets = [...matters.openings, ...matters.cases];
    this.#proofs.keepOnly(targets);
    this.#hearing.lookAgain();
    this.#input.log.debug('to be replayed', { targets: targets.map(placeOf) });
  }

  #replayed(outcome: ReplayOutcome): void {
    this.#count.replays += 1;
    this.#count.ms += outcome.ms;
    if (!outcome.ok) this.#count.refused += 1;
    if (!outcome.kernelFault) return;
    this.#count.kernelFaults += 1;
    this.#input.log.error('the fast kernel of this machine computed something else than the reference', {
      remedy: 'report this processor; proofs are verified by the slower reference until then',
    });
  }
}

function verdictOf({ caseId, worker, claim }: CaseFile, { bundle, outcome }: Proof): VerdictSection {
  const { jobId, traceRoot, segment } = claim;
  return {
    ...{ caseId, jobId, worker, traceRoot, segment },
    guilty: !outcome.ok,
    digest: outcome.auditDigest,
    bundle: parseCid(bundle).bytes,
  };
}

function textOf(cid: Uint8Array): string | undefined {
  try {
    return parseCid(CID.decode(cid).toString()).toString();
  } catch {
    return undefined;
  }
}
