import { describe, expect, test } from 'vitest';
import type { Hex } from '../../core/index.ts';
import { type AuditView, auditAction } from '../../evaluator/auditPlan.ts';
import { type Audit, type AuditorPart, type CourtCase, ZERO_HASH } from '../../market/index.ts';

const ME: Hex = `0x${'aa'.repeat(20)}`;
const OTHER: Hex = `0x${'bb'.repeat(20)}`;
const COMMITTED: Hex = `0x${'11'.repeat(32)}`;

const part = (account: Hex, change: Partial<AuditorPart> = {}): AuditorPart => ({
  ...{ account, revealed: false, commitment: ZERO_HASH, digests: [] },
  ...change,
});
const none: Audit = {
  ...{ state: 'None', recorded: true, fullAudit: false, value: 1n, fee: 0n, lock: 0n, caseId: 0 },
  ...{ drawFrom: 100, drawUntil: 106, commitUntil: 112, revealUntil: 120, challengeUntil: 130 },
  ...{ segments: [], auditors: [] },
};
const drawn = (own: Partial<AuditorPart>, other: Partial<AuditorPart> = {}): Audit => ({
  ...none,
  ...{ state: 'Drawn', segments: [2], auditors: [part(OTHER, other), part(ME, own)] },
});
const trial = (state: CourtCase['state'], deadline = 140): CourtCase => ({
  ...{ traceId: 7n, segment: 2, state, deadline, challenger: null, bond: 0n, digest: ZERO_HASH },
});
const act = (height: number, audit: Audit, change: Partial<AuditView> = {}) =>
  auditAction({
    ...{ height, audit, account: ME, turn: 0, hasRecord: false, commitmentIsOwn: false, replaying: false },
    ...{ fault: undefined, isTried: false, court: undefined },
    ...change,
  });
const wait = (until: number) => ({ type: 'wait', until });
const kept = { hasRecord: true, commitmentIsOwn: true };

describe('before the draw', () => {
  test('one after the other triggers it, until it is too late', () => {
    expect(act(100, none)).toEqual({ type: 'draw' });
    expect(act(100, none, { turn: 2 })).toEqual(wait(104));
    expect(act(104, none, { turn: 2 })).toEqual({ type: 'draw' });
    expect(act(104, none, { turn: 9 })).toEqual(wait(105));
    expect(act(106, none)).toEqual({ type: 'done' });
  });

  test('what a full audit was to cost is freed when nobody drew', () => {
    expect(act(106, { ...none, fullAudit: true })).toEqual({ type: 'settle' });
  });
});

describe('an auditor', () => {
  test('executes, commits what is on disk, reveals when all have committed, settles', () => {
    expect(act(104, drawn({}))).toEqual({ type: 'audit' });
    expect(act(104, drawn({}), { hasRecord: true })).toEqual({ type: 'commit' });
    expect(act(105, drawn({ commitment: COMMITTED }), kept)).toEqual(wait(106));
    const all = drawn({ commitment: COMMITTED }, { commitment: COMMITTED });
    expect(act(105, all, kept)).toEqual({ type: 'reveal' });
    const shown = { commitment: COMMITTED, revealed: true };
    expect(act(106, drawn(shown, { commitment: COMMITTED }), kept)).toEqual(wait(107));
    expect(act(107, drawn(shown, shown), kept)).toEqual({ type: 'settle' });
    expect(act(107, drawn(shown, shown), { ...kept, turn: 1 })).toMatchObject({ type: 'wait' });
    expect(act(121, drawn(shown, shown), { ...kept, turn: 1 })).toEqual({ type: 'settle' });
    expect(act(108, { ...drawn(shown, shown), state: 'Accepted' }, kept)).toEqual({ type: 'done' });
  });

  test('says that it got no bundle while there is time to, and lets an execution under way end', () => {
    expect(act(107, drawn({}))).toEqual({ type: 'audit' });
    expect(act(108, drawn({}))).toEqual({ type: 'giveUp' });
    expect(act(108, drawn({}), { replaying: true })).toEqual(wait(109));
    expect(act(110, drawn({}), { replaying: true })).toEqual({ type: 'giveUp' });
    // Too late to commit: the audit is settled without this part.
    expect(act(112, drawn({}, { commitment: COMMITTED }))).toEqual(wait(113));
    expect(act(120, drawn({}, { commitment: COMMITTED }))).toEqual({ type: 'settle' });
  });

  test('does not wait for a silent colleague beyond its time', () => {
    expect(act(111, drawn({ commitment: COMMITTED }), kept)).toEqual(wait(112));
    expect(act(112, drawn({ commitment: COMMITTED }), kept)).toEqual({ type: 'reveal' });
  });

  test('finds again what it committed when the record of it is lost or another', () => {
    expect(act(105, drawn({ commitment: COMMITTED }))).toEqual({ type: 'recover' });
    const other = { hasRecord: true, commitmentIsOwn: false };
    expect(act(105, drawn({ commitment: COMMITTED }), other)).toEqual({ type: 'recover' });
  });
});

describe('a wrong trace', () => {
  const faulty = { ...kept, fault: 2 };

  test('is brought to court once the own commitment is in, by one of those who found it', () => {
    expect(act(104, drawn({}), { hasRecord: true, fault: 2 })).toEqual({ type: 'commit' });
    const mine = drawn({ commitment: COMMITTED });
    expect(act(105, mine, faulty)).toEqual({ type: 'challenge', segment: 2 });
    expect(act(105, mine, { ...faulty, court: trial('Open') })).toEqual(wait(106));
    // A case on another segment is no reason to wait: the worker may have opened it itself.
    const shield = { ...trial('Open'), segment: 1 };
    expect(act(105, mine, { ...faulty, court: shield })).toEqual({ type: 'challenge', segment: 2 });
    expect(act(105, mine, { ...faulty, court: trial('Dismissed') })).toMatchObject({ type: 'challenge' });
    expect(act(105, mine, { ...faulty, court: trial('Upheld') })).toEqual(wait(106));
  });

  test('is still challenged when its audit is over, and not after the time for it', () => {
    const shown = { commitment: COMMITTED, revealed: true };
    const over: Audit = { ...drawn(shown, shown), state: 'Accepted' };
    expect(act(125, over, faulty)).toEqual({ type: 'challenge', segment: 2 });
    expect(act(125, over, { ...kept, court: trial('Open') })).toEqual(wait(126));
    expect(act(130, over, faulty)).toEqual({ type: 'done' });
  });
});

describe('a dispute', () => {
  const shown = { commitment: COMMITTED, revealed: true };
  const disputed: Audit = { ...drawn(shown, shown), state: 'Disputed', caseId: 1 };

  test('waits for its case, then somebody settles it', () => {
    expect(act(125, disputed, { court: trial('Open') })).toEqual(wait(126));
    expect(act(126, disputed, { court: trial('Dismissed', 140) })).toEqual({ type: 'settle' });
    expect(act(126, disputed, { court: trial('Upheld', 140), turn: 1 })).toMatchObject({ type: 'wait' });
    expect(act(141, disputed, { court: trial('Upheld', 140), turn: 1 })).toEqual({ type: 'settle' });
  });
});

test('an evaluator without a part settles an audit whose auditors are gone, much later', () => {
  const foreign: Audit = { ...drawn({}), auditors: [part(OTHER)] };
  expect(act(104, foreign, { turn: 2 })).toEqual(wait(128));
  expect(act(128, foreign, { turn: 2 })).toEqual({ type: 'settle' });
});
