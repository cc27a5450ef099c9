/**
 * Judges announcements: which opening or case they answer, whether it is too early or too late for them. Passes on only
 * what it has proven itself, so that who passes on a wrong one can be blamed for it.
 */
import { accept, type Hex, ignore, reject, type Verdict } from '../../core/index.ts';
import {
  type Announcement,
  type AuditAnnouncement,
  announcerOf,
  type CaseAnnouncement,
  decodeAnnouncement,
  type WorkAnnouncement,
} from '../../pouw/index.ts';
import type { ChainApplication } from '../application.ts';
import { AUDIT_STATES, askCourt, askWork } from './contracts.ts';
import type { Matters } from './matters.ts';
import type { Proofs } from './proofs.ts';
import { standingOf, type Target } from './target.ts';

export interface Hearing {
  hear(bytes: Uint8Array, from: string): Promise<Verdict>;
  /** After each block: who has announced before we knew what. */
  lookAgain(): void;
}

export interface HearingInput {
  readonly application: ChainApplication;
  readonly proofs: Proofs;
  readonly present: () => Promise<Matters>;
}

type Answer = WorkAnnouncement | CaseAnnouncement;
type Place = Target | 'early' | 'over' | 'none';

/** Announcements of what this node does not have yet: it may be a block behind. */
const MAX_EARLY = 32;
const MAX_AHEAD = 2;
const MAX_SIGNED = 4_096;
/** Announcements that no party has signed, of one target from one peer on one head: finding out takes milliseconds each. */
const MAX_STRANGERS = 4;
/** Traces whose audit was looked up on the present head: a look-up costs a call. */
const MAX_LOOKED_UP = 1_024;

export function createHearing(input: HearingInput): Hearing {
  const early: { announcement: Answer; from: string }[] = [];
  const chainId = BigInt(input.application.spec.chainId);
  const workerUnderAudit = auditLookUp(input.application);
  /** Bundles of audits that their trace's worker has told: repetitions need no other look at the signature. */
  const signed = new Set<string>();
  /** By target and peer, of the present head. */
  const strangers = new Map<string, number>();
  const take = async (target: Target, announcement: Answer, from: string): Promise<Verdict> => {
    const { bundle } = announcement;
    // Who repeats what is proven here says nothing new: no signature is looked at for it.
    if (input.proofs.held(target)?.bundle === bundle) return accept;
    const source = `${target.key} ${from}`;
    const heard = strangers.get(source) ?? 0;
    if (heard >= MAX_STRANGERS) return ignore('enough of strangers from this peer');
    const account = announcerOf(chainId, announcement);
    if (account === undefined) return reject("nobody's signature");
    const standing = standingOf(target, account);
    if (standing === 0) strangers.set(source, heard + 1);
    // A case is fought out by its parties; a drawn segment may be opened by anybody.
    if (standing === 0 && target.isCase) return ignore('not told by a party to the case');
    const proof = await input.proofs.prove(target, bundle, { peer: from, account, standing });
    return proof?.bundle === bundle ? accept : ignore('not proven here');
  };
  const answer = async (announcement: Answer, from: string): Promise<Verdict> => {
    const place = placeOf(announcement, await input.present(), input.application);
    if (typeof place === 'object') return await take(place, announcement, from);
    if (place !== 'early') return ignore(`it is ${place}`);
    early.push({ announcement, from });
    if (early.length > MAX_EARLY) early.shift();
    return ignore('it is early');
  };
  /** Auditors fetch it, validators pass it on. */
  const passOn = async (announcement: AuditAnnouncement): Promise<Verdict> => {
    const worker = await workerUnderAudit(announcement);
    if (worker === undefined) return ignore('not under audit');
    const key = `${announcement.traceId}/${announcement.segment}/${announcement.bundle}`;
    if (signed.has(key)) return accept;
    const account = announcerOf(chainId, announcement);
    if (account === undefined) return reject("nobody's signature");
    if (account === worker) signed.add(key);
    if (signed.size > MAX_SIGNED) signed.delete(signed.values().next().value!);
    return account === worker ? accept : reject('not told by the worker of the trace');
  };
  return {
    async hear(bytes, from) {
      const announcement: Announcement | undefined = decodeAnnouncement(bytes);
      if (announcement === undefined) return reject('not an announcement of work');
      return announcement.format === 'fedai-audit/2'
        ? await passOn(announcement)
        : await answer(announcement, from);
    },
    lookAgain() {
      strangers.clear();
      for (const { announcement, from } of early.splice(0)) void answer(announcement, from);
    },
  };
}

function placeOf(announcement: Answer, matters: Matters, { head }: ChainApplication): Place {
  if (announcement.format === 'fedai-case/2') {
    const { caseId } = announcement;
    if (caseId > matters.caseCount) return caseId > matters.caseCount + MAX_AHEAD ? 'none' : 'early';
    return matters.cases.find((one) => one.caseId === caseId) ?? 'over';
  }
  const { drawHeight, rank } = announcement;
  const { openings } = matters;
  const opening = openings.find((one) => one.drawHeight === drawHeight && one.rank === rank);
  if (opening !== undefined) return opening;
  const present = openings[0]?.drawHeight ?? head.height + 1;
  if (drawHeight < present || (drawHeight === present && openings.length > 0)) return 'over';
  return drawHeight > head.height + MAX_AHEAD ? 'none' : 'early';
}

/** The worker of a trace whose bundles auditors may still want; asked once a head and trace. */
function auditLookUp(application: ChainApplication) {
  const wanted = [AUDIT_STATES.indexOf('none'), AUDIT_STATES.indexOf('drawn')];
  let seen = { head: -1, known: new Map<number, Promise<Hex | undefined>>() };
  const look = async (traceId: bigint): Promise<Hex | undefined> => {
    const audit = await askCourt(application, 'auditOf', traceId).catch(() => undefined);
    if (audit === undefined || !audit.recorded) return undefined;
    if (!wanted.includes(Number(audit.state)) || audit.revealUntil < BigInt(application.head.height))
      return undefined;
    return (await askWork(application, 'traceOf', traceId).catch(() => undefined))?.worker;
  };
  return ({ traceId }: AuditAnnouncement): Promise<Hex | undefined> => {
    const { height } = application.head;
    if (seen.head !== height) seen = { head: height, known: new Map() };
    const known = seen.known.get(traceId);
    if (known !== undefined) return known;
    if (seen.known.size >= MAX_LOOKED_UP) return Promise.resolve(undefined);
    const looking = look(BigInt(traceId));
    seen.known.set(traceId, looking);
    return looking;
  };
}
