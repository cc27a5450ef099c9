/** Two wrong segments of one trace: one bond is enough, and the second is not forgotten when the first case comes to nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Hex } from '../../core/index.ts';
import { silentLog } from '../../core/index.ts';
import { stepTrace, type TraceDesk, type Watched, watch } from '../../evaluator/auditTrace.ts';
import { type Audit, type CourtCase, type LiveTrace, ZERO_HASH } from '../../market/index.ts';

const ME: Hex = `0x${'aa'.repeat(20)}`;
const TRACE = { id: 7n, jobId: 1n } as LiveTrace;
const CLOSED_AT = 130;

let folder: string;
let challenged: number[];
let cases: CourtCase[];
let watched: Watched;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-faults-'));
  [challenged, cases] = [[], []];
  watched = {
    ...watch(TRACE),
    isOwn: true,
    isLoaded: true,
    record: { digests: [], salt: ZERO_HASH, bundles: [], faults: [1, 3], challenged: [] },
  };
});
afterEach(() => rm(folder, { recursive: true }));

const open = (segment: number, challenger: Hex | null): void => {
  cases.push({
    ...{ traceId: TRACE.id, segment, state: 'Open', deadline: 140, challenger },
    ...{ bond: 1n, digest: ZERO_HASH },
  });
};

/** Over, and every one of its auditors has revealed: what is left is to go to court. */
const audit = (): Audit => ({
  ...{ state: 'Accepted', recorded: true, fullAudit: false, value: 1n, fee: 0n, lock: 0n },
  ...{ drawFrom: 100, drawUntil: 106, commitUntil: 112, revealUntil: 120, challengeUntil: CLOSED_AT },
  ...{ caseId: cases.length, segments: [1, 3] },
  auditors: [{ account: ME, revealed: true, commitment: `0x${'11'.repeat(32)}`, digests: [] }],
});

function desk(): TraceDesk {
  const court = {
    auditOf: async () => audit(),
    caseOf: async (id: number) => cases[id - 1]!,
    openCases: async () => cases.filter(({ state }) => state === 'Open'),
    parameters: async () => ({ bond: 1n }),
    challenge: async (_trace: bigint, segment: number) => {
      challenged.push(segment);
      open(segment, ME);
    },
  };
  const context = {
    ...{ account: ME, dataDir: folder, log: silentLog, onEvent: () => undefined, onFault: () => undefined },
    ...{ signal: new AbortController().signal, peer: { content: { unpin: async () => undefined } } },
    keys: { evm: { privateKey: new Uint8Array(32).fill(1) } },
    domain: { chainId: 1n },
  };
  const rest = { execute: () => undefined, isExecuting: () => false, forget: () => undefined };
  return { context, court, ...rest } as unknown as TraceDesk;
}

async function blocks(from: number, to: number): Promise<void> {
  for (let height = from; height <= to; height++) await stepTrace(desk(), watched, height);
}

test('one of two wrong segments is brought to court while its case is open, the other after it was dismissed', async () => {
  await blocks(121, 124);
  expect(challenged).toEqual([1]);
  cases[0]!.state = 'Dismissed';
  await blocks(125, 127);
  expect(challenged).toEqual([1, 3]);
  cases[1]!.state = 'Upheld';
  await blocks(128, 129);
  expect(challenged).toEqual([1, 3]);
  expect(watched.isDone).toBe(true);
});

test('a verdict of guilt ends it', async () => {
  await blocks(121, 122);
  cases[0]!.state = 'Upheld';
  await blocks(123, 125);
  expect(challenged).toEqual([1]);
  expect(watched.isDone).toBe(true);
});

test("somebody else's case on a wrong segment is waited for, though the latest case is another", async () => {
  open(3, null);
  open(0, `0x${'cc'.repeat(20)}`);
  await blocks(121, 123);
  expect(challenged).toEqual([]);
  // The worker's own accusation of a right segment ends first, and not the wait: evidence is still to be shown.
  cases[1]!.state = 'Dismissed';
  await blocks(124, CLOSED_AT + 1);
  expect(challenged).toEqual([]);
  expect(watched.isDone).toBe(false);
  cases[0]!.state = 'Upheld';
  await blocks(CLOSED_AT + 2, CLOSED_AT + 2);
  expect(watched.isDone).toBe(true);
});

test('a case on a right segment alone keeps nobody from challenging the wrong ones', async () => {
  open(0, `0x${'cc'.repeat(20)}`);
  await blocks(121, 121);
  expect(challenged).toEqual([1]);
});
