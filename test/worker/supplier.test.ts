/** What a worker shows of its traces, to whom and for how long: over a chain and a clock that the test holds. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addressOf,
  type Clock,
  FedaiError,
  type Hex,
  sha256,
  silentLog,
  toHex,
  utf8,
} from '../../core/index.ts';
import type { Audit, Court, OpenCase, WorkTrace } from '../../market/index.ts';
import { ZERO_HASH } from '../../market/index.ts';
import { announcerOf, decodeAnnouncement } from '../../pouw/index.ts';
import { createMemoryStore } from '../../storage/index.ts';
import type { WorkerContext, WorkerEvent } from '../../worker/context.ts';
import type { DrawnSegment } from '../../worker/opener.ts';
import { createSupplier, type Supplier } from '../../worker/supplier.ts';
import { until } from '../storage/until.ts';

const KEY = new Uint8Array(32).fill(7);
const ME = addressOf(KEY);
const OTHER: Hex = `0x${'bb'.repeat(20)}`;
const CHAIN = 31_337n;
const COMMITTED = 10;
const [DRAW_FROM, DRAW_UNTIL, COMMIT_UNTIL, REVEAL_UNTIL] = [12, 18, 24, 32];

let traces: WorkTrace[];
let audits: Map<bigint, Audit>;
let cases: OpenCase[];
let told: { format: string; bundle: string; attempt: number; place: string; signer: Hex | undefined }[];
let events: WorkerEvent[];
let made: DrawnSegment[];
let bundleOf: (asked: DrawnSegment) => Promise<Uint8Array | undefined>;
let asked: number;
let isTopicDown: boolean;
let turn: () => void;
let supplier: Supplier;
let aborter: AbortController;

const trace = (worker: Hex, round: number): WorkTrace => ({
  ...{ worker, jobId: 1n, round, slot: 0, fate: 'Committed', segments: 4, height: COMMITTED },
  ...{ weight: 1n, upTo: 1n, root: toHex(sha256(utf8(`${worker} ${round}`))) },
});
const audit = (change: Partial<Audit> = {}): Audit => ({
  ...{ state: 'Drawn', recorded: true, fullAudit: false, value: 1n, fee: 0n, lock: 0n, caseId: 0 },
  ...{ drawFrom: DRAW_FROM, drawUntil: DRAW_UNTIL, commitUntil: COMMIT_UNTIL },
  ...{ revealUntil: REVEAL_UNTIL, challengeUntil: 42, segments: [2] },
  auditors: [{ account: OTHER, revealed: false, commitment: ZERO_HASH, digests: [] }],
  ...change,
});
const caseOn = (caseId: number, traceId: bigint, segment: number): OpenCase =>
  ({ caseId, traceId, segment }) as OpenCase;
const bytesOf = ({ round, segment }: DrawnSegment): Uint8Array => utf8(`bundle ${round}/${segment}`);

/** Calls of the supplier that are under way. */
let busy = 0;
function tracked<Parts extends object>(parts: Parts): Parts {
  const wrap =
    (call: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]): Promise<unknown> => {
      busy += 1;
      return await call(...args).finally(() => {
        busy -= 1;
      });
    };
  return Object.fromEntries(Object.entries(parts).map(([name, call]) => [name, wrap(call)])) as Parts;
}

/** A look that has come to its end: whatever the supplier waits for is one of the tracked calls. */
async function look(height: number): Promise<void> {
  supplier.look(height);
  for (let quiet = 0; quiet < 10; quiet = busy === 0 ? quiet + 1 : 0)
    await new Promise((resolve) => setImmediate(resolve));
}

async function open(): Promise<void> {
  const { putBytes } = await createMemoryStore();
  const content = tracked({ putBytes, provide: async () => {} });
  const court = tracked({
    parameters: async () => ({ commitBlocks: 12, revealBlocks: 8, courtBlocks: 24 }),
    auditOf: async (id: bigint) => {
      asked += 1;
      return audits.get(id) ?? audit({ recorded: false });
    },
    selectionOf: async () => ({ selected: false }),
    openCases: async () => cases,
  }) as unknown as Court;
  const steady: Clock = {
    now: () => 0,
    setTimer: (_ms, callback) => {
      turn = callback;
      return { cancel: () => undefined };
    },
  };
  const publish = async (_topic: string, message: Uint8Array) => {
    if (isTopicDown) throw new FedaiError('NO_PEERS', 'nobody listens');
    const one = decodeAnnouncement(message)!;
    const place =
      'caseId' in one ? `case ${one.caseId}` : 'traceId' in one ? `${one.traceId}/${one.segment}` : '';
    const { format, bundle, attempt } = one;
    told.push({ format, bundle, attempt, place, signer: announcerOf(CHAIN, one) });
  };
  const context = {
    market: tracked({
      workParameters: async () => ({ interval: 5, drawDelay: 2 }),
      workTraceCount: async () => BigInt(traces.length),
      workTrace: async (id: bigint) => traces[Number(id)]!,
    }),
    ...{ domain: { chainId: CHAIN }, account: ME, keys: { evm: { privateKey: KEY } } },
    ...{ peer: { content, gossip: { publish } }, steady, log: silentLog, signal: aborter.signal },
    onEvent: (event: WorkerEvent) => void events.push(event),
    onFault: () => undefined,
  } as unknown as WorkerContext;
  const maker = tracked({
    make: (one: DrawnSegment) => {
      made.push(one);
      return bundleOf(one);
    },
  });
  supplier = createSupplier(context, court, maker.make);
}

beforeEach(async () => {
  [traces, audits, cases] = [[trace(ME, 0), trace(OTHER, 0), trace(ME, 1)], new Map(), []];
  [told, events, made, asked, isTopicDown] = [[], [], [], 0, false];
  bundleOf = async (one) => bytesOf(one);
  aborter = new AbortController();
  await open();
});
afterEach(async () => {
  aborter.abort();
  await supplier.close();
});

const places = () => [...new Set(told.map(({ place }) => place))].sort();

describe('a case against an own trace', () => {
  test('is answered with the bundle of its segment, signed, until it is closed', async () => {
    cases = [caseOn(1, 0n, 3), caseOn(2, 1n, 0)];
    await look(20);
    expect(places()).toEqual(['case 1']);
    expect(made).toMatchObject([{ jobId: 1n, round: 0, segment: 3 }]);
    expect(told[0]).toMatchObject({ format: 'fedai-case/2', signer: ME });
    expect(events).toEqual([{ type: 'accused', traceId: 0n, jobId: 1n, round: 0, segment: 3 }]);
    for (let i = 0; i < 40; i++) turn();
    expect(new Set(told.map(({ attempt }) => attempt)).size).toBe(told.length);
    // Often at first, then less so.
    expect(told.length).toBeGreaterThan(8);
    expect(told.length).toBeLessThan(20);
    cases = [];
    await look(21);
    const before = told.length;
    for (let i = 0; i < 10; i++) turn();
    expect(told).toHaveLength(before);
    expect(made).toHaveLength(1);
  });

  test('is answered as many at once as the court has, one bundle made at a time', async () => {
    let now = 0;
    let most = 0;
    bundleOf = async (one) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return bytesOf(one);
    };
    cases = Array.from({ length: 24 }, (_, i) => caseOn(1 + i, i % 2 === 0 ? 0n : 2n, i));
    await look(20);
    expect(places()).toHaveLength(24);
    expect(most).toBe(1);
  });

  test('that cannot be answered now is tried again, and holds up no other', async () => {
    let isReady = false;
    bundleOf = async (one) => {
      if (one.segment === 1) throw new FedaiError('NO_STATES', 'not now');
      return isReady ? bytesOf(one) : undefined;
    };
    cases = [caseOn(1, 0n, 1), caseOn(2, 0n, 2)];
    await look(20);
    expect(told).toEqual([]);
    isReady = true;
    await look(21);
    expect(places()).toEqual(['case 2']);
    bundleOf = async (one) => bytesOf(one);
    await look(22);
    expect(places()).toEqual(['case 1', 'case 2']);
  });

  test('is told again when nobody was there to hear', async () => {
    isTopicDown = true;
    cases = [caseOn(1, 0n, 1)];
    await look(20);
    for (let i = 0; i < 3; i++) turn();
    expect(told).toEqual([]);
    isTopicDown = false;
    for (let i = 0; i < 4; i++) turn();
    await until(() => told.length > 0, 1);
  });

  test('is answered by the next life with the same bundle', async () => {
    cases = [caseOn(1, 0n, 3)];
    await look(20);
    const [{ bundle } = { bundle: '' }] = told;
    await supplier.close();
    told = [];
    await open();
    await look(21);
    expect(told[0]).toMatchObject({ bundle, place: 'case 1' });
    expect(made).toHaveLength(2);
  });
});

describe('an audit of an own trace', () => {
  test('has its segments told once each, not those of others, until all have committed', async () => {
    audits.set(0n, audit({ segments: [2, 0, 2] }));
    audits.set(1n, audit());
    await look(14);
    expect(places()).toEqual(['0/0', '0/2']);
    expect(told.every(({ format, signer }) => format === 'fedai-audit/2' && signer === ME)).toBe(true);
    expect(made).toHaveLength(2);
    const committed = { account: OTHER, revealed: false, commitment: toHex(sha256(utf8('c'))), digests: [] };
    audits.set(0n, audit({ auditors: [committed] }));
    await look(15);
    const before = told.length;
    for (let i = 0; i < 8; i++) turn();
    expect(told).toHaveLength(before);
  });

  test('is not asked for before its beacon, nor again once it is settled that there is none', async () => {
    const none = audit({ state: 'None', segments: [], auditors: [] });
    audits.set(0n, none);
    audits.set(2n, none);
    await look(COMMITTED + 1);
    expect(asked).toBe(2);
    await look(COMMITTED + 1);
    expect(asked).toBe(2);
    // Not selected: over.
    await look(DRAW_FROM);
    expect(asked).toBe(4);
    for (let height = DRAW_FROM + 1; height < DRAW_UNTIL; height++) await look(height);
    expect(asked).toBe(4);
    expect(told).toEqual([]);
  });

  test('is left alone when the time to reveal is over, and traces of long ago are not looked at', async () => {
    audits.set(0n, audit());
    await look(REVEAL_UNTIL);
    expect(told).toEqual([]);
    const before = asked;
    traces = [trace(ME, 0), trace(ME, 1)];
    await look(COMMITTED + 1_000);
    expect(asked).toBe(before);
  });
});

test('what the chain cannot tell now is asked again', async () => {
  cases = [caseOn(1, 0n, 1)];
  const kept = traces;
  traces = new Proxy(kept, {
    get: () => {
      throw new FedaiError('RPC_DOWN', 'no answer', {}, { transient: true });
    },
  });
  await look(20);
  expect(told).toEqual([]);
  traces = kept;
  await look(21);
  expect(places()).toEqual(['case 1']);
});
