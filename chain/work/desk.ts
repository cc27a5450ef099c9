/**
 * Useful work in a chain node: hears who can open what was drawn, has it replayed before it is voted for, and gives the
 * proposer what its block may carry. Owns no rule of the draw (contracts) and none of a proof (pouw).
 */

import { CID } from 'multiformats/cid';
import {
  accept,
  equalBytes,
  fromHex,
  ignore,
  type Log,
  parseCid,
  reject,
  type Service,
  type Verdict,
} from '../../core/index.ts';
import type { WorkSection } from '../../light/index.ts';
import { decodeAnnouncement, type WorkAnnouncement, workTopic } from '../../pouw/index.ts';
import { createReplayer, type Replayer, type ReplayOutcome } from '../../pouw/replay/index.ts';
import type { Peer } from '../../storage/index.ts';
import type { ChainApplication } from '../application.ts';
import type { WorkProofs } from '../consensus/index.ts';
import type { Block } from '../types.ts';
import { keepBundles } from './keep.ts';
import { type Opening, readOpenings } from './openings.ts';
import { createProofs, type Proof, type Proofs, placeOf } from './proofs.ts';

export interface WorkDesk extends Service, WorkProofs {
  /** Replays made since the start, and the mean of their milliseconds. */
  status(): { replays: number; refused: number; kernelFaults: number; replayMs: number };
}

export interface WorkDeskInput {
  readonly application: ChainApplication;
  readonly peer: Pick<Peer, 'content' | 'scores' | 'gossip'>;
  readonly log: Log;
}

/** Announcements of a draw that this node does not have yet: it may be a block behind. */
const MAX_EARLY = 32;

export function createWorkDesk(input: WorkDeskInput): WorkDesk {
  return new Desk(input);
}

interface Heard {
  readonly announcement: WorkAnnouncement;
  readonly from: string;
}

class Desk implements WorkDesk {
  readonly #input: WorkDeskInput;
  readonly #replayer: Replayer;
  readonly #proofs: Proofs;
  readonly #early: Heard[] = [];
  readonly #count = { replays: 0, refused: 0, kernelFaults: 0, ms: 0 };
  readonly #openers = new Map<string, Uint8Array>();
  #openings: { head: number; list: Promise<readonly Opening[]>; known: readonly Opening[] } | undefined;
  #keep: ReturnType<typeof keepBundles> | undefined;
  #unlisten: (() => void) | undefined;

  constructor(input: WorkDeskInput) {
    const { application, peer, log } = input;
    const { maxReplayGas, maxBundleBytes } = application.spec.work!;
    this.#input = input;
    this.#replayer = createReplayer(log);
    this.#proofs = createProofs({
      ...{ peer, log, replayer: this.#replayer },
      limits: { maxReplayGas, maxBundleBytes },
      onReplay: (outcome) => this.#replayed(outcome),
    });
  }

  async start(): Promise<void> {
    const { application, peer, log } = this.#input;
    peer.gossip.subscribe(workTopic(BigInt(application.spec.chainId)), (bytes, from) =>
      this.#hear(bytes, from),
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
    await this.#replayer.close();
  }

  status() {
    const { ms, ...counts } = this.#count;
    return { ...counts, replayMs: counts.replays === 0 ? 0 : ms / counts.replays };
  }

  choose(): WorkSection | null {
    const present = this.#openings;
    if (present?.head !== this.#input.application.head.height) return null;
    for (const opening of present.known) {
      const proof = this.#proofs.held(opening);
      if (proof !== undefined) return this.#sectionOf(proof);
    }
    return null;
  }

  async proven({ header, section: { work } }: Block): Promise<boolean> {
    if (work === null) return true;
    if (header.number !== BigInt(this.#input.application.head.height + 1)) return false;
    const openings = await this.#present();
    const opening = openings.find(
      ({ drawHeight, rank }) => drawHeight === work.drawHeight && rank === work.rank,
    );
    if (opening === undefined) return false;
    const bundle = textOf(work.bundle);
    if (bundle === undefined) return false;
    const proof = await this.#proofs.prove(opening, bundle);
    return proof !== undefined && equalBytes(proof.modelHash, work.modelHash);
  }

  #sectionOf({ opening, bundle, modelHash }: Proof): WorkSection {
    const { drawHeight, rank, worker, totalWeight, claim } = opening;
    const { jobId, traceRoot, segment } = claim;
    return {
      ...{ drawHeight, rank, jobId, worker, traceRoot, segment, modelHash, totalWeight },
      opener: this.#openers.get(`${drawHeight}/${rank}/${bundle}`) ?? worker,
      bundle: parseCid(bundle).bytes,
    };
  }

  async #hear(bytes: Uint8Array, from: string): Promise<Verdict> {
    const announcement = decodeAnnouncement(bytes);
    if (announcement === undefined) return reject('not an announcement of work');
    if (announcement.format !== 'fedai-work/1') return accept;
    const { drawHeight } = announcement;
    const openings = await this.#present();
    const present = openings[0]?.drawHeight ?? 0;
    if (drawHeight < present) return ignore('of a draw that is over');
    if (drawHeight > present || openings.length === 0) {
      if (drawHeight > this.#input.application.head.height + 2) return ignore('of a height far ahead');
      this.#early.push({ announcement, from });
      if (this.#early.length > MAX_EARLY) this.#early.shift();
      return accept;
    }
    return this.#take({ announcement, from }, openings) ? accept : ignore('nothing to open there');
  }

  /** False when this rank is opened or was never drawn. */
  #take({ announcement, from }: Heard, openings: readonly Opening[]): boolean {
    const { drawHeight, rank, bundle, opener } = announcement;
    const opening = openings.find((one) => one.drawHeight === drawHeight && one.rank === rank);
    if (opening === undefined) return false;
    const key = `${drawHeight}/${rank}/${bundle}`;
    if (!this.#openers.has(key)) this.#openers.set(key, fromHex(opener, 20));
    void this.#proofs.prove(opening, bundle, from);
    return true;
  }

  #present(): Promise<readonly Opening[]> {
    const { application, log } = this.#input;
    const head = application.head.height;
    if (this.#openings?.head === head) return this.#openings.list;
    const list = readOpenings(application).catch((error: unknown) => {
      log.error('the draw of useful work could not be read', { head, error });
      return [];
    });
    const present = { head, list, known: [] as readonly Opening[] };
    this.#openings = present;
    void list.then((known) => {
      present.known = known;
    });
    return list;
  }

  /** After each block: what may be opened now, and who has said so before we knew. */
  async #look(): Promise<void> {
    const openings = await this.#present();
    const drawHeight = openings[0]?.drawHeight;
    if (drawHeight === undefined) return;
    this.#proofs.forgetBefore(drawHeight);
    for (const key of this.#openers.keys())
      if (Number(key.split('/')[0]) < drawHeight) this.#openers.delete(key);
    const heard = this.#early.splice(0).filter(({ announcement }) => announcement.drawHeight >= drawHeight);
    for (const one of heard)
      if (one.announcement.drawHeight > drawHeight) this.#early.push(one);
      else this.#take(one, openings);
    this.#input.log.debug('work to be opened', { openings: openings.map(placeOf) });
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

function textOf(cid: Uint8Array): string | undefined {
  try {
    return parseCid(CID.decode(cid).toString()).toString();
  } catch {
    return undefined;
  }
}
