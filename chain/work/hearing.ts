/**
 * Judges announcements: which opening or case they answer, whether it is too early or too late for them. Passes on only
 * what it has proven itself, so that who passes on a wrong one can be blamed for it.
 */
import { accept, fromHex, ignore, reject, type Verdict } from '../../core/index.ts';
import {
  type Announcement,
  type AuditAnnouncement,
  type CaseAnnouncement,
  decodeAnnouncement,
  type WorkAnnouncement,
} from '../../pouw/index.ts';
import type { ChainApplication } from '../application.ts';
import { AUDIT_STATES, askCourt } from './contracts.ts';
import type { Matters } from './matters.ts';
import type { Proofs } from './proofs.ts';
import type { Target } from './target.ts';

export interface Hearing {
  hear(bytes: Uint8Array, from: string): Promise<Verdict>;
  /** After each block: who has announced before we knew what. */
  lookAgain(matters: Matters): void;
  /** Who is paid for opening with this bundle; undefined where nobody asked for it. */
  openerOf(target: Target, bundle: string): Uint8Array | undefined;
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
/** Traces whose audit was looked up on the present head: a look-up costs a call. */
const MAX_LOOKED_UP = 1_024;

export function createHearing(input: HearingInput): Hearing {
  const early: { announcement: Answer; from: string }[] = [];
  const openers = new Map<string, Uint8Array>();
  const isUnderAudit = auditLookUp(input.application);
  const take = async (target: Target, announcement: Answer, from: string): Promise<Verdict> => {
    const { bundle } = announcement;
    const key = `${target.key}/${bundle}`;
    if ('opener' in announcement && !openers.has(key)) openers.set(key, fromHex(announcement.opener, 20));
    const proof = await input.proofs.prove(target, bundle, from);
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
  return {
    async hear(bytes, from) {
      const announcement: Announcement | undefined = decodeAnnouncement(bytes);
      if (announcement === undefined) return reject('not an announcement of work');
      if (announcement.format !== 'fedai-audit/1') return await answer(announcement, from);
      return (await isUnderAudit(announcement)) ? accept : ignore('not under audit');
    },
    lookAgain(matters) {
      const open = new Set([...matters.openings, ...matters.cases].map(({ key }) => key));
      for (const key of openers.keys())
        if (!open.has(key.slice(0, key.lastIndexOf('/')))) openers.delete(key);
      for (const { announcement, from } of early.splice(0)) void answer(announcement, from);
    },
    openerOf: ({ key }, bundle) => openers.get(`${key}/${bundle}`),
  };
}

function placeOf(announcement: Answer, matters: Matters, { head }: ChainApplication): Place {
  if (announcement.format === 'fedai-case/1') {
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

/** Whether auditors may still want bundles of a trace; asked once a head and trace. */
function auditLookUp(application: ChainApplication) {
  const wanted = [AUDIT_STATES.indexOf('none'), AUDIT_STATES.indexOf('drawn')];
  let seen = { head: -1, known: new Map<number, Promise<boolean>>() };
  const look = async (traceId: number): Promise<boolean> => {
    const audit = await askCourt(application, 'auditOf', BigInt(traceId)).catch(() => undefined);
    if (audit === undefined || !audit.recorded) return false;
    return wanted.includes(Number(audit.state)) && audit.revealUntil >= BigInt(application.head.height);
  };
  return ({ traceId }: AuditAnnouncement): Promise<boolean> => {
    const { height } = application.head;
    if (seen.head !== height) seen = { head: height, known: new Map() };
    const known = seen.known.get(traceId);
    if (known !== undefined) return known;
    if (seen.known.size >= MAX_LOOKED_UP) return Promise.resolve(false);
    const looking = look(traceId);
    seen.known.set(traceId, looking);
    return looking;
  };
}
